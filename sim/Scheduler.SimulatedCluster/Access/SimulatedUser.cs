namespace Scheduler.SimulatedCluster.Access;

/// <summary>Whom a token of the simulated cluster belongs to.</summary>
/// <param name="Name">The user name.</param>
/// <param name="Groups">Groups, besides <c>system:authenticated</c>.</param>
public sealed record SimulatedUser(string Name, params IReadOnlyList<string> Groups);
