namespace Scheduler.TestKit;

/// <summary>An API server that the contract suite can be run against.</summary>
public interface IContractServer
{
    /// <summary>Where it is. The identity has every right.</summary>
    ApiEndpoint Endpoint { get; }

    /// <summary>Makes the server forget every revision before the current one, so that the suite can ask for one of those.</summary>
    Task CompactHistoryAsync(CancellationToken cancellationToken);
}
