using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace Scheduler.SimulatedCluster.Api;

internal static class PipeWriterText
{
    public static void WriteUtf8(this PipeWriter writer, string text) => Encoding.UTF8.GetBytes(text, writer);

    public static void WriteBytes(this PipeWriter writer, ReadOnlySpan<byte> bytes) => writer.Write(bytes);
}
