using Scheduler.SimulatedCluster;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.Simulation.Tests.Contract;

/// <summary>
/// The embedded API server as the real one of the contract suite is: alone, without kubelets and controllers. One server for all
/// facts; each has a namespace of its own.
/// </summary>
public sealed class EmbeddedServerFixture : IContractServer, IAsyncLifetime
{
    private SimulatedCluster.SimulatedCluster? _cluster;

    /// <inheritdoc/>
    public ApiEndpoint Endpoint
    {
        get
        {
            // A garbage collector that died during a fact must not stay unseen until the server is disposed of.
            Assert.Empty(Cluster.FailedRooms);
            return new ApiEndpoint(Cluster.Address);
        }
    }

    private SimulatedCluster.SimulatedCluster Cluster => _cluster ?? throw new InvalidOperationException("The server has not started.");

    /// <inheritdoc/>
    public Task CompactHistoryAsync(CancellationToken cancellationToken)
    {
        Cluster.CompactHistory();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync() => _cluster = await SimulatedCluster.SimulatedCluster.StartAsync(
        new SimulatedClusterOptions { Kubelets = new KubeletOptions { IsEnabled = false }, RunsControllers = false }, CancellationToken.None);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
            await _cluster.DisposeAsync();
    }
}
