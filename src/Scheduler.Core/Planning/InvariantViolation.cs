namespace Scheduler.Core.Planning;

/// <summary>A plan, or a state, that breaks one of the numbered invariants of docs/invariants.md.</summary>
/// <param name="Invariant">The number, such as <c>W1</c>.</param>
/// <param name="Message">What is broken, and where.</param>
public readonly record struct InvariantViolation(string Invariant, string Message)
{
    /// <inheritdoc />
    public override string ToString() => $"{Invariant}: {Message}";
}
