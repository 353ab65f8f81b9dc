using System.Net;
using System.Text.Json;
using Scheduler.Daemon.Kubernetes;
using Scheduler.Daemon.Kubernetes.Wire;

namespace Scheduler.Daemon.Tests.Support;

/// <summary>An API server that keeps one Lease, with versions, and that can be made to fail.</summary>
internal sealed class LeaseServer : HttpMessageHandler
{
    private readonly Lock _gate = new();
    private int _version;

    public LeaseObject? Lease { get; private set; }

    /// <summary>While set, every request is answered with it.</summary>
    public HttpStatusCode? Failure { get; set; }

    /// <summary>Answers the next write with 409, as if somebody else had written in between.</summary>
    public bool ConflictOnce { get; set; }

    public ApiServerClient Client(TimeProvider time) =>
        new(new HttpClient(this, disposeHandler: false) { BaseAddress = new Uri("http://lease/") }, time, TimeSpan.FromSeconds(60));

    public void Write(Func<LeaseSpec, LeaseSpec> change)
    {
        lock (_gate)
            Store((Lease ?? new LeaseObject()) with { Spec = change(Lease?.Spec ?? new LeaseSpec()) });
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content is null ? null : await request.Content.ReadAsByteArrayAsync(cancellationToken);
        lock (_gate)
        {
            if (Failure is { } failure)
                return new HttpResponseMessage(failure) { Content = new StringContent("{}") };
            if (request.Method == HttpMethod.Get)
                return Lease is null ? new HttpResponseMessage(HttpStatusCode.NotFound) { Content = new StringContent("{}") } : Answer();
            var written = JsonSerializer.Deserialize(body!, WireJson.Default.LeaseObject)!;
            var isStale = request.Method == HttpMethod.Put && written.Metadata.ResourceVersion != Lease?.Metadata.ResourceVersion;
            if (ConflictOnce || isStale || (request.Method == HttpMethod.Post && Lease is not null))
            {
                ConflictOnce = false;
                return new HttpResponseMessage(HttpStatusCode.Conflict) { Content = new StringContent("{}") };
            }

            Store(written);
            return Answer();
        }
    }

    private void Store(LeaseObject lease) =>
        Lease = lease with { Metadata = lease.Metadata with { ResourceVersion = $"{++_version}" } };

    private HttpResponseMessage Answer() =>
        new(HttpStatusCode.OK) { Content = new StringContent(JsonSerializer.Serialize(Lease!, WireJson.Default.LeaseObject)) };
}
