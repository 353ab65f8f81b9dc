using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace Scheduler.FaultSimulation.Network;

/// <summary>The body of a watch as the server writes it: each flush hands over what has been written.</summary>
internal sealed class WatchBody(Action<ReadOnlyMemory<byte>> onFlush) : PipeWriter, IHttpResponseBodyFeature
{
    private readonly ArrayBufferWriter<byte> _written = new();

    public Stream Stream => AsStream(leaveOpen: true);

    public PipeWriter Writer => this;

    public override void Advance(int bytes) => _written.Advance(bytes);

    public override Memory<byte> GetMemory(int sizeHint = 0) => _written.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => _written.GetSpan(sizeHint);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var bytes = _written.WrittenSpan.ToArray();
        _written.ResetWrittenCount();
        onFlush(bytes);
        return ValueTask.FromResult(new FlushResult(isCanceled: false, isCompleted: false));
    }

    public override void CancelPendingFlush()
    {
    }

    public override void Complete(Exception? exception = null)
    {
    }

    public void DisableBuffering()
    {
    }

    public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("the API server sends no files");

    public Task CompleteAsync() => Task.CompletedTask;
}
