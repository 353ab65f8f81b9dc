namespace Scheduler.Simulation.CapacityPlanning;

/// <summary>
/// Student's t distribution for whole degrees of freedom. The distribution function is the finite sum of Abramowitz, Stegun:
/// Handbook of Mathematical Functions (1964), 26.7.3 for odd and 26.7.4 for even degrees; its inverse is found by bisection.
/// </summary>
internal static class StudentT
{
    /// <summary>The share of the distribution between -t and t.</summary>
    /// <param name="t">At least 0.</param>
    /// <param name="degrees">Degrees of freedom, at least 1.</param>
    public static double Within(double t, int degrees)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(t);
        ArgumentOutOfRangeException.ThrowIfLessThan(degrees, 1);
        // With tan(angle) = t / sqrt(degrees).
        var squaredCosine = degrees / (degrees + (t * t));
        var sine = Math.Sqrt(t * t / (degrees + (t * t)));
        var isOdd = degrees % 2 == 1;
        var term = isOdd ? Math.Sqrt(squaredCosine) : 1;
        var sum = degrees == 1 ? 0 : term;
        for (var power = isOdd ? 3 : 2; power <= degrees - 2; power += 2)
        {
            term *= squaredCosine * (power - 1) / power;
            sum += term;
        }

        return isOdd ? 2 / Math.PI * (Math.Atan(t / Math.Sqrt(degrees)) + (sine * sum)) : sine * sum;
    }

    /// <summary>The t for which the given share lies between -t and t: 12.706 for 95 % and one degree of freedom.</summary>
    public static double TwoSidedQuantile(double share, int degrees)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(share, 1);
        var (low, high) = (0.0, 1.0);
        while (Within(high, degrees) < share)
        {
            high *= 2;
        }

        // Each step halves an interval of doubles; 100 leave nothing to halve.
        for (var step = 0; step < 100; step++)
        {
            var middle = (low + high) / 2;
            (low, high) = Within(middle, degrees) < share ? (middle, high) : (low, middle);
        }

        return high;
    }
}
