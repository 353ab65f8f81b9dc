using System.Globalization;
using System.Text;
using Scheduler.TestKit.Clusters;
using Xunit;

namespace Scheduler.Telemetry.Tests.Exposition;

public class NumberTextTests
{
    [Fact]
    public void Numbers_are_rounded_as_the_base_library_rounds_them()
    {
        var random = new SplitMix64(20261124);
        for (var number = 0; number < 20_000; number++)
        {
            var digits = new StringBuilder();
            var length = random.Between(1, 18);
            var point = random.Below(length + 3);
            for (var at = 0; at < length; at++)
            {
                digits.Append(at == point ? "." : "").Append(random.Below(10));
            }

            var text = (random.Chance(30) ? "-" : "") + digits;
            var (samples, _) = Collect.From($"a {text}");
            Assert.Equal([$"a{{}} {double.Parse(text, CultureInfo.InvariantCulture).ToString("R", CultureInfo.InvariantCulture)}"], samples);
        }
    }
}
