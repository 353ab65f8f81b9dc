using System.Globalization;
using System.Text;
using Scheduler.Telemetry.Devices;
using Scheduler.Telemetry.Exposition;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Telemetry.Tests.Exposition;

/// <summary>
/// Bodies that are broken in every way, from a seed: no exception, bounded memory, the same result however they are cut.
/// 2,000 in the usual run; WEIR_CASES sets another number (1,000,000 for the long form), WEIR_SEED the first seed.
/// </summary>
public class FuzzTests(ITestOutputHelper output)
{
    private const int UsualCases = 2_000;
    private const ulong FirstSeed = 20261124;

    private static readonly string[] Fragments =
    [
        "DCGM_FI_DEV_XID_ERRORS", "DCGM_EXP_XID_ERRORS_COUNT", "DCGM_FI_PROF_GR_ENGINE_ACTIVE", "DCGM_FI_DEV_GPU_TEMP{", "{", "}", "\"", "\\", "\\\"", "=", ",", " ", "\t",
        "\n", "\r\n", "\0", "#", "# HELP ", "gpu=\"0\"", "UUID=\"GPU-1\"", "GPU_I_ID=\"7\"", "Hostname=\"n\"", "hostname=\"n\"", "exported_pod=\"p\"", "pod=\"\"",
        "device=\"nvidia\"", "device=\"nvidia99999999999\"", "xid=\"79\"", "xid=\"-1\"", "NaN", "+Inf", "-Inf", "1e999", "1e-999", "9223372036854775794", "0.995630", "-", ".",
        "\u00e9", "\ud83d\ude00",
    ];

    [Fact]
    public void No_body_breaks_the_reader()
    {
        var cases = int.TryParse(Environment.GetEnvironmentVariable("WEIR_CASES"), NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given : UsualCases;
        var first = ulong.TryParse(Environment.GetEnvironmentVariable("WEIR_SEED"), NumberStyles.None, CultureInfo.InvariantCulture, out var seed) ? seed : FirstSeed;
        var (samples, malformed, longLines, cutOff, gpus, beyond) = (0L, 0L, 0L, 0L, 0L, 0L);
        for (var number = 0; number < cases; number++)
        {
            var random = new SplitMix64(first + (ulong)number);
            var body = Body(random);
            var limits = new ExpositionLimits { MaxLineBytes = random.Between(40, 400), MaxBodyBytes = random.Between(100, 4000), MaxLabels = random.Between(1, 20) };
            var readingLimits = new ReadingLimits { MaxGpus = random.Between(1, 4), MaxHolders = random.Between(1, 2), MaxXidCounts = 1, MaxLabelBytes = random.Between(8, 60) };
            try
            {
                var whole = Read(body, limits, readingLimits, body.Length + 1);
                var cut = Read(body, limits, readingLimits, random.Between(1, 50));
                Assert.Equal(whole.Body, cut.Body);
                Assert.Equal(Text(whole), Text(cut));
                Assert.True(whole.Gpus.Length <= readingLimits.MaxGpus);
                Assert.All(whole.Gpus, gpu => Assert.True(gpu.Holders.Length <= readingLimits.MaxHolders && gpu.XidCounts.Length <= 1));
                Assert.All(whole.Gpus, gpu => Assert.All(Enum.GetValues<GpuMetric>(), metric => Assert.False(gpu[metric] is { } value && GpuMetrics.IsBlank(value))));
                samples += whole.Body.Samples;
                malformed += whole.Body.MalformedLines;
                longLines += whole.Body.LongLines;
                cutOff += whole.Body.IsCutOff ? 1 : 0;
                gpus += whole.Gpus.Length;
                beyond += whole.SamplesBeyondLimits;
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"WEIR_CASES=1 WEIR_SEED={first + (ulong)number} replays it", exception);
            }
        }

        output.WriteLine(
            $"{cases} bodies from seed {first}: {samples} samples, {malformed} malformed and {longLines} long lines, {cutOff} cut off, {gpus} devices, {beyond} beyond limits");
        Assert.True(cases < 100 || (samples > cases && malformed > cases && longLines > 0 && cutOff > 0 && gpus > cases / 4 && beyond > 0), "nothing happens in these bodies");
    }

    private static NodeReading Read(ReadOnlySpan<byte> body, ExpositionLimits limits, ReadingLimits readingLimits, int piece)
    {
        var reader = new GpuReader(readingLimits);
        var parser = new ExpositionParser<GpuReader>(reader, limits);
        while (!body.IsEmpty)
        {
            var length = Math.Min(piece, body.Length);
            parser.Read(body[..length]);
            Assert.True(parser.HeldBytes <= limits.MaxLineBytes);
            body = body[length..];
        }

        return reader.Finish(parser.Finish());
    }

    private static string Text(NodeReading reading) => string.Join('\n', reading.Gpus.Select(gpu =>
        $"{gpu.Uuid}|{gpu.Index}|{gpu.MigInstance}|{gpu.Host}|{string.Join(',', gpu.Holders)}|{string.Join(',', gpu.XidCounts)}|"
        + string.Join(',', Enum.GetValues<GpuMetric>().Select(metric => gpu[metric]))));

    /// <summary>Good lines, lines with bytes changed, cut or doubled, heaps of fragments, and noise.</summary>
    private static byte[] Body(SplitMix64 random)
    {
        var body = new List<byte>();
        var lines = random.Between(1, 25);
        for (var line = 0; line < lines; line++)
        {
            var start = body.Count;
            switch (random.Below(4))
            {
                case 0:
                    Add(body, $"DCGM_FI_DEV_XID_ERRORS{{gpu=\"{random.Below(8)}\",UUID=\"GPU-{random.Below(8)}\",Hostname=\"n\",namespace=\"a\",pod=\"p{random.Below(3)}\"}} {random.Below(150)}");
                    break;
                case 1:
                    Add(body, $"DCGM_EXP_XID_ERRORS_COUNT{{gpu=\"{random.Below(8)}\",GPU_I_ID=\"{random.Below(3)}\",xid=\"{random.Below(150)}\"}} {random.Below(3)}");
                    break;
                case 2:
                    for (var count = random.Between(1, 25); count > 0; count--)
                    {
                        Add(body, random.Pick<string>(Fragments));
                    }

                    break;
                default:
                    for (var count = random.Between(1, 60); count > 0; count--)
                    {
                        body.Add((byte)random.Below(256));
                    }

                    break;
            }

            for (var changes = random.Chance(40) ? random.Between(1, 4) : 0; changes > 0 && body.Count > start; changes--)
            {
                body[random.Between(start, body.Count - 1)] = (byte)random.Below(256);
            }

            if (random.Chance(5))
            {
                body.AddRange(Enumerable.Repeat((byte)random.Below(256), random.Between(1, 600)));
            }

            body.Add((byte)'\n');
        }

        return [.. body];
    }

    private static void Add(List<byte> body, string text) => body.AddRange(Encoding.UTF8.GetBytes(text));
}
