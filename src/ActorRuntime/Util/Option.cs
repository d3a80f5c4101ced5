#nullable disable
namespace Akka.Util;

/// <summary>A value or none; null is none.</summary>
public readonly struct Option<T>(T value) : IEquatable<Option<T>>
{
    public static readonly Option<T> None = default;

    public static Option<T> Create(T value) => new(value);

    public bool HasValue { get; } = value is not null;
    public bool IsEmpty => !HasValue;
    public T Value { get; } = value;

    public static implicit operator Option<T>(T value) => new(value);

    public T GetOrElse(T fallbackValue) => HasValue ? Value : fallbackValue;
    public T GetOrElse(Func<T> fallback) => HasValue ? Value : fallback();
    public Option<TNew> Select<TNew>(Func<T, TNew> selector) =>
        HasValue ? new Option<TNew>(selector(Value)) : Option<TNew>.None;
    public Option<T> OrElse(Option<T> alternative) => HasValue ? this : alternative;

    public void OnSuccess(Action<T> action)
    {
        if (HasValue) action(Value);
    }

    public bool Equals(Option<T> other) => HasValue == other.HasValue &&
        EqualityComparer<T>.Default.Equals(Value, other.Value);

    public override bool Equals(object obj) => obj is Option<T> other && Equals(other);
    public override int GetHashCode() => HasValue ? Value.GetHashCode() : 0;
    public static bool operator ==(Option<T> left, Option<T> right) => left.Equals(right);
    public static bool operator !=(Option<T> left, Option<T> right) => !left.Equals(right);
    public override string ToString() => HasValue ? $"Some<{Value}>" : "None";
}
