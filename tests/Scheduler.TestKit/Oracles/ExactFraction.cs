using System.Numerics;

namespace Scheduler.TestKit.Oracles;

/// <summary>A rational number without rounding, for oracles that must not share the planner's arithmetic.</summary>
public readonly record struct ExactFraction : IComparable<ExactFraction>
{
    private readonly BigInteger _denominatorLessOne;

    public ExactFraction(BigInteger numerator, BigInteger denominator)
    {
        if (denominator.IsZero)
        {
            throw new DivideByZeroException();
        }

        var divisor = BigInteger.GreatestCommonDivisor(numerator, denominator) * denominator.Sign;
        Numerator = numerator / divisor;
        _denominatorLessOne = (denominator / divisor) - 1;
    }

    public BigInteger Numerator { get; }

    /// <summary>At least 1, also in a default value.</summary>
    public BigInteger Denominator => _denominatorLessOne + 1;

    /// <summary>The largest whole number that is not above.</summary>
    public long Floor
    {
        get
        {
            var quotient = BigInteger.DivRem(Numerator, Denominator, out var remainder);
            return (long)(remainder.Sign < 0 ? quotient - 1 : quotient);
        }
    }

    /// <summary>What is above <see cref="Floor"/>.</summary>
    public ExactFraction Part => this - Floor;

    public static implicit operator ExactFraction(long whole) => new(whole, BigInteger.One);

    public static ExactFraction operator +(ExactFraction a, ExactFraction b) =>
        new((a.Numerator * b.Denominator) + (b.Numerator * a.Denominator), a.Denominator * b.Denominator);

    public static ExactFraction operator -(ExactFraction a, ExactFraction b) =>
        new((a.Numerator * b.Denominator) - (b.Numerator * a.Denominator), a.Denominator * b.Denominator);

    public static ExactFraction operator *(ExactFraction a, ExactFraction b) =>
        new(a.Numerator * b.Numerator, a.Denominator * b.Denominator);

    public static ExactFraction operator /(ExactFraction a, ExactFraction b) =>
        new(a.Numerator * b.Denominator, a.Denominator * b.Numerator);

    public static ExactFraction Min(ExactFraction a, ExactFraction b) => a.CompareTo(b) <= 0 ? a : b;

    public int CompareTo(ExactFraction other) => (Numerator * other.Denominator).CompareTo(other.Numerator * Denominator);

    public override string ToString() => Denominator.IsOne ? $"{Numerator}" : $"{Numerator}/{Denominator}";
}
