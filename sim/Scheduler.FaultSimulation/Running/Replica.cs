using Microsoft.Extensions.Logging;
using Scheduler.Daemon.Hosting;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Options;
using Scheduler.FaultSimulation.Network;
using Scheduler.FaultSimulation.Time;

namespace Scheduler.FaultSimulation.Running;

/// <summary>One daemon from its start to its end. A restart is another one, with an identity of its own.</summary>
internal sealed class Replica : IDisposable
{
    private readonly CancellationTokenSource _stop = new();

    private Replica(Actor actor, ApiConnection connection, DaemonParts parts)
    {
        Actor = actor;
        Connection = connection;
        Parts = parts;
    }

    public Actor Actor { get; }

    public ApiConnection Connection { get; }

    public DaemonParts Parts { get; }

    /// <summary>Whether it takes itself for the leader now.</summary>
    public bool Leads => !Actor.IsDead && Parts.Leadership.Term is not null;

    /// <summary>Ends when it was stopped, or failed. Never for one that crashed.</summary>
    public Task Running { get; private set; } = Task.CompletedTask;

    /// <summary>Makes and starts one.</summary>
    public static Replica Start(Actor actor, VirtualTime time, Random random, ILoggerFactory loggers, ApiConnection connection)
    {
        var clock = new ActorClock(time, actor);
        var settings = new DaemonSettings
        {
            Time = clock,
            Jitter = random.NextDouble,
            MakesForecasts = false,
            Leadership = new LeadershipOptions { Identity = actor.Name },
        };
        var client = new ApiServerClient(
            new HttpClient(connection) { BaseAddress = new Uri("http://api/"), Timeout = Timeout.InfiniteTimeSpan }, clock,
            TimeSpan.FromSeconds(settings.Kubernetes.RequestTimeoutSeconds));
        var replica = new Replica(actor, connection, new DaemonParts(settings, client, loggers));
        replica.Running = Task.Run(() => replica.Parts.Runtime.RunAsync(replica._stop.Token));
        return replica;
    }

    /// <summary>Asks it to end as a signal would.</summary>
    public void Stop() => _stop.Cancel();

    public void Dispose() => _stop.Dispose();

    /// <summary>It ends between two instructions: at whatever it waits for now.</summary>
    public void Crash()
    {
        Actor.IsDead = true;
        Connection.Close();
    }
}
