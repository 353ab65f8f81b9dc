using Xunit;

namespace Scheduler.TestKit;

/// <summary>
/// One control plane for all the tests of an assembly: <c>[assembly: AssemblyFixture(typeof(ControlPlaneFixture))]</c>, and a
/// constructor parameter of this type in each test class. Where the programs are missing the tests skip, unless the
/// environment variable WEIR_REQUIRE_CONTROL_PLANE is 1: then they fail.
/// </summary>
public sealed class ControlPlaneFixture : IAsyncLifetime, IContractServer
{
    private ControlPlane? _plane;

    /// <summary>The running control plane; skips the calling test where there is none, and fails it where it has died.</summary>
    public ControlPlane Plane
    {
        get
        {
            if (_plane is null) throw SkipOrFail();
            _plane.ThrowIfEnded();
            return _plane;
        }
    }

    /// <inheritdoc/>
    public ApiEndpoint Endpoint => Plane.Endpoint;

    /// <inheritdoc/>
    public Task CompactHistoryAsync(CancellationToken cancellationToken) => Plane.CompactHistoryAsync(cancellationToken);

    /// <summary>
    /// Skips the calling test where no control plane can be started, or fails it where one is required.
    /// For tests that start a control plane of their own because they break it.
    /// </summary>
    public static void Require()
    {
        if (ControlPlane.FindOrNull() is null) throw SkipOrFail();
    }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        if (ControlPlane.FindOrNull() is not null) _plane = await ControlPlane.StartAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // Each test has said so if a program ended; here it would be counted as another failure of every test.
        if (_plane is not null) await _plane.RemoveAsync();
    }

    private static InvalidOperationException SkipOrFail()
    {
        const string Message = "no real control plane on this machine: run eng/control-plane once, or set KUBEBUILDER_ASSETS";
        if (Environment.GetEnvironmentVariable("WEIR_REQUIRE_CONTROL_PLANE") != "1") Assert.Skip(Message);
        return new InvalidOperationException(Message + " (WEIR_REQUIRE_CONTROL_PLANE=1 makes this a failure)");
    }
}
