using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Scheduler.Cli.Commands;
using Scheduler.Cli.Workloads;
using Scheduler.Core.Quota;
using Scheduler.SimulatedCluster;

namespace Scheduler.Cli.Hosting;

/// <summary>
/// The embedded cluster as the command uses it: with Weir's own resources, the tenants and their namespaces in it from the
/// start. The one place that knows the types of the simulated cluster.
/// </summary>
internal sealed class EmbeddedCluster : IAsyncDisposable
{
    /// <summary>The port that is tried first where none is asked for.</summary>
    public const int DefaultPort = 7460;

    private readonly SimulatedCluster.SimulatedCluster _cluster;

    private EmbeddedCluster(SimulatedCluster.SimulatedCluster cluster) => _cluster = cluster;

    /// <summary>Where kubectl finds it.</summary>
    public Uri Address => _cluster.Address;

    /// <summary>Starts a cluster.</summary>
    /// <param name="nodes">Its nodes.</param>
    /// <param name="tenants">Tenants, which get their namespaces too.</param>
    /// <param name="namespaces">Further namespaces.</param>
    /// <param name="port">Null tries <see cref="DefaultPort"/> and takes a free one where that is taken.</param>
    /// <param name="loggers">Where it logs.</param>
    /// <param name="stop">Gives up starting.</param>
    /// <exception cref="UserErrorException">The port is taken, or the cluster refuses what it is to begin with.</exception>
    public static async Task<EmbeddedCluster> StartAsync(
        NodeList nodes, ImmutableArray<Tenant> tenants, IEnumerable<string> namespaces, int? port, ILoggerFactory loggers, CancellationToken stop)
    {
        var options = new SimulatedClusterOptions
        {
            Port = port ?? DefaultPort,
            Nodes = nodes.Nodes,
            Manifests = [.. ShippedManifests()],
            ServesGpuMetrics = true,
            Loggers = loggers,
        };
        EmbeddedCluster cluster;
        try
        {
            cluster = new EmbeddedCluster(await SimulatedCluster.SimulatedCluster.StartAsync(options, stop));
        }
        catch (AddressInUseException) when (port is null)
        {
            options.Port = 0;
            cluster = new EmbeddedCluster(await SimulatedCluster.SimulatedCluster.StartAsync(options, stop));
        }
        catch (AddressInUseException exception)
        {
            throw new UserErrorException(
                $"--port: port {port} on 127.0.0.1 is in use by another program; stop that program, or leave --port out for a free one", exception);
        }
        catch (ArgumentException exception)
        {
            throw new UserErrorException($"the embedded cluster does not start: {exception.Message}", exception);
        }

        cluster.AddTenants(tenants, namespaces);
        return cluster;
    }

    /// <summary>Faults of GPUs and nodes to inject and heal.</summary>
    public GpuFaults Faults => _cluster.Faults;

    /// <summary>Creates an object as kubectl would, without the way over HTTP.</summary>
    /// <returns>Null, or why the API server refused it.</returns>
    public string? Create(JsonObject manifest)
    {
        try
        {
            _cluster.Create(manifest);
            return null;
        }
        catch (ClusterRefusedException exception)
        {
            return exception.Message;
        }
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    /// <summary>A text file that is built into this program.</summary>
    public static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"the resource {name} is not in the program");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>CRDs and priority classes, the same files that deploy/ ships.</summary>
    private static IEnumerable<string> ShippedManifests() => Assembly.GetExecutingAssembly().GetManifestResourceNames()
        .Where(name => name.StartsWith("deploy/", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal)
        .Select(Resource);

    private void AddTenants(ImmutableArray<Tenant> tenants, IEnumerable<string> namespaces)
    {
        var names = tenants.SelectMany(tenant => tenant.Namespaces).Concat(namespaces).Where(name => name.Length > 0);
        foreach (var name in names.Distinct(StringComparer.Ordinal))
        {
            // One that exists already, such as default, is fine as it is.
            Apply(Manifests.Namespace(name), $"namespace '{name}'");
        }

        foreach (var tenant in tenants)
        {
            Apply(TenantSets.Manifest(tenant), $"tenant '{tenant.Id}'");
        }
    }

    /// <summary>As kubectl apply does it, so that a later kubectl apply of the same objects finds its own traces.</summary>
    private void Apply(JsonObject manifest, string name)
    {
        try
        {
            // Every JSON text is a YAML text.
            _cluster.ApplyManifest(manifest.ToJsonString());
        }
        catch (ArgumentException exception)
        {
            throw new UserErrorException($"{name}: {exception.Message}", exception);
        }
    }
}
