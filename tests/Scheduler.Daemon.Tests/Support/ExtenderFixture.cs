using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Core.Planning;
using Scheduler.Daemon.Cache;
using Scheduler.Daemon.Extender;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Mapping;
using Scheduler.Daemon.Loop;

namespace Scheduler.Daemon.Tests.Support;

/// <summary>The extender on a cache that is fed by hand; cycles run when the test says so. One node <c>n0</c> with two GPUs, unless more are set.</summary>
internal sealed class ExtenderFixture : IAsyncDisposable
{
    private static readonly PodMappingSettings Mapping = Pods.Settings with { ExtenderSchedulers = ["default-scheduler"] };

    private readonly WriterFixture _writers = new();
    private readonly ExtenderService _service;
    private readonly PlanApplier _applier;
    private long _cycle;

    public ExtenderFixture(long maxRequestBytes = 1 << 20)
    {
        var client = Server.Client(Time);
        _applier = new PlanApplier(
            Cache, _writers.Binds, _writers.Evictor, _writers.Reservations, _writers.Conditions, _writers.Metrics, NullLogger.Instance);
        _service = new ExtenderService(
            Cache, _writers.ReadModel, Leadership, _writers.Binds, new PodBinder(client, new BinderSettings { MaxAttempts = 1 }, Time, NullLogger.Instance),
            new ExtenderSettings(), () => IsSynced, Time, NullLogger.Instance);
        Handler = new ExtenderHandler(_service, maxRequestBytes, _writers.Metrics, Time, NullLogger.Instance);
        Announcer = new CommitmentAnnouncer(client, Cache, Leadership, new RateLimit(1000, Time), _writers.Metrics, Time, NullLogger.Instance);
        Cache.CommitmentObserver = new CommitmentLog(_writers.Metrics, NullLogger.Instance);
        Leadership.Lead();
    }

    public BarrierTimeProvider Time => _writers.Time;

    public ScriptedServer Server => _writers.Server;

    public ClusterCache Cache => _writers.Cache;

    public TestLeadership Leadership => _writers.Leadership;

    public ExtenderHandler Handler { get; }

    public ExtenderService Service => _service;

    public CommitmentAnnouncer Announcer { get; }

    public bool IsSynced { get; set; } = true;

    public ReadModel ReadModel => _writers.ReadModel;

    /// <summary>A pod of kube-scheduler as the watch shows it; its uid is <c>uid-NAME</c>.</summary>
    public static PodRecord Pod(string name, int gpus = 1, string more = "", (string, string)[]? annotations = null, string status = "") =>
        PodMapping.Map(Pods.Parse($"\"schedulerName\":\"default-scheduler\",{Pods.Gpus(gpus)}{more}", annotations, name, status: status), Mapping);

    public void Run(Func<CancellationToken, Task> part) => _writers.Run(part);

    /// <summary>Starts what writes conditions and Events.</summary>
    public void RunWriters()
    {
        Run(_writers.Conditions.RunAsync);
        Run(_writers.Events.RunAsync);
    }

    public Task<string> MetricsAsync() => _writers.MetricsTextAsync();

    public PodRecord Arrives(PodRecord pod)
    {
        Cache.Pods.Upsert(pod);
        return pod;
    }

    /// <summary>One cycle of the scheduling loop.</summary>
    public Plan Cycle()
    {
        var view = Cache.View();
        var plan = Planner.Compute(view.Snapshot, SchedulingPolicy.Default);
        Assert.Empty(PlanValidator.Check(view.Snapshot, SchedulingPolicy.Default, plan));
        var refused = Leadership.Term is { } term ? _applier.Apply(plan, view, term) : [];
        ReadModel.Publish(new PublishedCycle(
            ++_cycle, view.Snapshot, plan, true, Leadership.Holder, TimeSpan.Zero,
            [.. view.Blocked.Select(blocked => new UnqueuedPod(blocked.Pod.Namespace, blocked.Pod.Name, blocked.Reason, blocked.Message))], refused, []));
        return plan;
    }

    public static string Args(string pod, params string[] nodes) => $$$"""
        {"Pod":{"metadata":{"name":"{{{pod}}}","namespace":"ns","uid":"uid-{{{pod}}}"},"spec":{},"status":{} },
         "Nodes":null,"NodeNames":[{{{string.Join(',', nodes.Select(node => $"\"{node}\""))}}}]}
        """;

    public static string Binding(string pod, string node) =>
        $$"""{"PodName":"{{pod}}","PodNamespace":"ns","PodUID":"uid-{{pod}}","Node":"{{node}}"}""";

    public Task<string> FilterAsync(string pod, params string[] nodes) => PostAsync("filter", Args(pod, nodes));

    public Task<string> BindAsync(string pod, string node) => PostAsync("bind", Binding(pod, node));

    /// <summary>The body of the answer, which is always one of status 200.</summary>
    public async Task<string> PostAsync(string verb, string body)
    {
        var context = await SendAsync("POST", "/extender/" + verb, Encoding.UTF8.GetBytes(body));
        Assert.Equal(StatusCodes.Status200OK, context.Response.StatusCode);
        Assert.Equal("application/json", context.Response.ContentType);
        return Text(context);
    }

    public async Task<HttpContext> SendAsync(string method, string path, byte[] body)
    {
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpMaxRequestBodySizeFeature>(new BodySize());
        (context.Request.Method, context.Request.Path) = (method, path);
        context.Request.Body = new MemoryStream(body);
        context.Response.Body = new MemoryStream();
        await Handler.HandleAsync(context);
        return context;
    }

    public static string Text(HttpContext context) => Encoding.UTF8.GetString(((MemoryStream)context.Response.Body).ToArray());

    public async ValueTask DisposeAsync()
    {
        await _writers.DisposeAsync();
        _service.Dispose();
    }

    private sealed class BodySize : IHttpMaxRequestBodySizeFeature
    {
        public bool IsReadOnly => false;

        public long? MaxRequestBodySize { get; set; }
    }
}
