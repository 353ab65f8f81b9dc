namespace Scheduler.Core.Planning;

/// <summary>A plan, or a state, that breaks one of the numbered invariants of docs/invariants.md.</summary>
/// <param name="Invariant">The number, such as <c>W1</c>.</param>
/// <param name="Message">What is broken, and where.</param>
public readonly record struct InvariantViolation(string Invariant, string Message)
{
    /// <summary>
    /// Whether applying the plan could do harm: give something out twice, exceed a limit, take what is guaranteed, break a
    /// gang, put a pod where a rule forbids it, or leave somebody without an answer. Such a plan must not be applied. What breaks one of the others is not as
    /// good as it should be, but better than none: a host applies it and reports the fault.
    /// </summary>
    public bool IsHarmful => Invariant is "W1" or "W2" or "W4" or "W8" or "W15" or "W16";

    /// <inheritdoc />
    public override string ToString() => $"{Invariant}: {Message}";
}
