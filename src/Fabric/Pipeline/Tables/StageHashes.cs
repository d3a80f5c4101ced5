using System.Numerics;

namespace Fabric.Pipeline;

/// <summary>How many rules have each hash of their first stages: is there any at all?</summary>
/// <remarks>
/// One writer, any number of readers without locks. Open addressing: a place keeps its hash until
/// the table is made anew, only its count moves; so a reader that stops at a free place has seen
/// every place where the hash could be.
/// </remarks>
internal sealed class StageHashes
{
    private const int SizeMin = 16;

    private sealed class Places(int size)
    {
        public readonly ulong[] Hashes = new ulong[size];
        public readonly int[] Counts = new int[size];
        public int Used;
    }

    private Places _places = new(SizeMin);

    public bool Contains(ulong hash)
    {
        hash = Key(hash);
        var places = Volatile.Read(ref _places);
        var place = PlaceOf(places, hash);
        return Volatile.Read(ref places.Hashes[place]) == hash
            && Volatile.Read(ref places.Counts[place]) > 0;
    }

    public void Add(ulong hash)
    {
        hash = Key(hash);
        if (_places.Used * 4 >= _places.Hashes.Length * 3) Renew();
        var place = PlaceOf(_places, hash);
        if (_places.Hashes[place] == 0)
        {
            _places.Used++;
            _places.Counts[place] = 1;
            Volatile.Write(ref _places.Hashes[place], hash);
            return;
        }

        Volatile.Write(ref _places.Counts[place], _places.Counts[place] + 1);
    }

    public void Remove(ulong hash)
    {
        var place = PlaceOf(_places, Key(hash));
        if (_places.Counts[place] > 0)
        {
            Volatile.Write(ref _places.Counts[place], _places.Counts[place] - 1);
        }
    }

    /// <summary>0 marks a free place.</summary>
    private static ulong Key(ulong hash) => hash == 0 ? 1 : hash;

    /// <summary>Where the hash is, or the free place where it would be.</summary>
    private static int PlaceOf(Places places, ulong hash)
    {
        var mask = places.Hashes.Length - 1;
        var place = (int)hash & mask;
        while (true)
        {
            var found = Volatile.Read(ref places.Hashes[place]);
            if (found == hash || found == 0) return place;
            place = (place + 1) & mask;
        }
    }

    /// <summary>A larger table, or one of the same size without what nobody has any more.</summary>
    private void Renew()
    {
        var before = _places;
        var live = 0;
        foreach (var count in before.Counts) live += count > 0 ? 1 : 0;
        var size = Math.Max(SizeMin, (int)BitOperations.RoundUpToPowerOf2((uint)(live + 1) * 2));
        var after = new Places(size);
        for (var i = 0; i < before.Hashes.Length; i++)
        {
            if (before.Counts[i] == 0) continue;
            var place = PlaceOf(after, before.Hashes[i]);
            (after.Hashes[place], after.Counts[place]) = (before.Hashes[i], before.Counts[i]);
            after.Used++;
        }

        Volatile.Write(ref _places, after);
    }
}
