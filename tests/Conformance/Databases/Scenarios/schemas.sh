echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":"string"}}}}}' > s; ovsdb-tool create d s
ovsdb-tool query d '{"a"}'
ovsdb-tool query d '{"a":}'
ovsdb-tool query d '{"a":1,}'
ovsdb-tool query d '[1,]'
ovsdb-tool query d '[1 2]'
ovsdb-tool query d '[,]'
ovsdb-tool query d '{a:1}'
ovsdb-tool query d '[01]'
ovsdb-tool query d '[1.]'
ovsdb-tool query d '[1e]'
ovsdb-tool query d '[-]'
ovsdb-tool query d '["a'
ovsdb-tool query d '["a\q"]'
ovsdb-tool query d '["\u12"]'
ovsdb-tool query d '["\u0000"]'
ovsdb-tool query d '["\ud800"]'
ovsdb-tool query d '["\ud800x"]'
ovsdb-tool query d '["a	b"]'
ovsdb-tool query d '[tru]'
ovsdb-tool query d '[} '
ovsdb-tool query d '[] x'
ovsdb-tool query d '[1]]'
ovsdb-tool query d '['\''a'\'']'
ovsdb-tool query d '[+1]'
ovsdb-tool query d '[1,2'
ovsdb-tool query d '{"a":1'
ovsdb-tool query d '{"a"'
ovsdb-tool query d '{'
ovsdb-tool query d '{1:2}'
ovsdb-tool query d '{"a" 1}'
ovsdb-tool query d '{"a":1 "b":2}'
ovsdb-tool query d '[@]'
ovsdb-tool query d '[a]'
echo '{"name":"o"}' > s; ovsdb-tool schema-name s
echo '{"name":"5","tables":{}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"5":{"columns":{"c":{"type":"string"}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"_t":{"columns":{"c":{"type":"string"}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"_c":{"type":"string"}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"5c":{"type":"string"}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":5}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":5}' > s; ovsdb-tool schema-name s
echo '{"name":"o","version":"1","tables":{}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","version":"1.2.3.4","tables":{}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","x":1,"tables":{}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"maxRows":0,"columns":{"c":{"type":"string"}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"maxRows":-1,"columns":{"c":{"type":"string"}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"maxRows":"x","columns":{"c":{"type":"string"}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"isRoot":1,"columns":{"c":{"type":"string"}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"indexes":[[]],"columns":{"c":{"type":"string"}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"indexes":5,"columns":{"c":{"type":"string"}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"indexes":[5],"columns":{"c":{"type":"string"}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"indexes":[["d"]],"columns":{"c":{"type":"string"}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"indexes":[["c","c"]],"columns":{"c":{"type":"string"}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"indexes":[["_uuid"]],"columns":{"c":{"type":"string"}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"indexes":[["c"]],"columns":{"c":{"ephemeral":true,"type":"string"}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":"strin"}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":5}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":{"key":"string","min":2}}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":{"key":"string","max":0}}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":{"key":"string","min":1,"max":"x"}}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":{"key":{"type":"string","enum":["set",[]]}}}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":{"key":{"type":"string","minInteger":5}}}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":{"key":{"type":"integer","minInteger":5,"maxInteger":4}}}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":{"key":{"type":"string","minLength":5,"maxLength":4}}}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":{"key":{"type":"real","minReal":5,"maxReal":4}}}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":{"key":{"type":"uuid","refTable":"x"}}}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":{"key":{"type":"uuid","refTable":"t","refType":"x"}}}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":{"key":{"type":"integer","refTable":"t"}}}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":{"key":{"type":"integer","enum":["set",[1]],"minInteger":0}}}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":{"value":"string"}}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{"mutable":false,"type":{"key":{"type":"uuid","refTable":"t","refType":"weak"}}}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":{"key":"string","min":-1}}}}}}' > s; ovsdb-tool schema-name s
echo '{"name":"o","tables":{"t":{"columns":{"c":{"type":{"key":"string","min":0,"max":4294967296}}}}}}' > s; ovsdb-tool schema-name s
