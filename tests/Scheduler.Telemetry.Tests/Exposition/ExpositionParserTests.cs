using Scheduler.Telemetry.Exposition;
using Xunit;

namespace Scheduler.Telemetry.Tests.Exposition;

public class ExpositionParserTests
{
    [Theory]
    [InlineData("up 1", "up{} 1")]
    [InlineData("up\t1", "up{} 1")]
    [InlineData("  up 1  \r", "up{} 1")]
    [InlineData("up{} 1", "up{} 1")]
    [InlineData("up{}1", "up{} 1")]
    [InlineData("up {a=\"b\"} 1", "up{a=b,} 1")]
    [InlineData("up{a=\"b\",} 1", "up{a=b,} 1")]
    [InlineData("up{ a = \"b\" , c = \"\" } 1", "up{a=b,c=,} 1")]
    [InlineData("up{a=\"1}2,3=\"} 1", "up{a=1}2,3=,} 1")]
    [InlineData("up{a=\"q\\\"q\\\\n\\n\"} 1", "up{a=q\"q\\n\n,} 1")]
    [InlineData("up{a=\"\\x\"} 1", "up{a=\\x,} 1")]
    [InlineData("up 1 1700000000000", "up{} 1")]
    [InlineData("up 1 1.5 # {id=\"x\"} 2", "up{} 1")]
    [InlineData("up 1 # {id=\"x\"} 2", "up{} 1")]
    [InlineData("a:b_9 -0.5", "a:b_9{} -0.5")]
    [InlineData("up 409.692000", "up{} 409.692")]
    [InlineData("up 9223372036854775794", "up{} 9.223372036854776E+18")]
    [InlineData("up 1e-3", "up{} 0.001")]
    [InlineData("up .5", "up{} 0.5")]
    [InlineData("up 5.", "up{} 5")]
    [InlineData("up +Inf", "up{} Infinity")]
    [InlineData("up -inf", "up{} -Infinity")]
    [InlineData("up NaN", "up{} NaN")]
    public void A_line_that_is_a_sample_is_read(string line, string expected)
    {
        var (samples, outcome) = Collect.From(line + "\nlast 2");
        Assert.Equal([expected, "last{} 2"], samples);
        Assert.Equal((2, 0, null), (outcome.Samples, outcome.MalformedLines, outcome.FirstProblem));
    }

    [Theory]
    [InlineData("1up 1", "does not begin with the name of a metric")]
    [InlineData("{a=\"b\"} 1", "does not begin with the name of a metric")]
    [InlineData("up", "no blank between name and value")]
    [InlineData("up ", "its value is not a number")]
    [InlineData("up x", "its value is not a number")]
    [InlineData("up 1x", "its value is not a number")]
    [InlineData("up .", "its value is not a number")]
    [InlineData("up -", "its value is not a number")]
    [InlineData("up 1.2.3", "its value is not a number")]
    [InlineData("up 1 x", "what follows its value is no timestamp")]
    [InlineData("up 1 2 3", "what follows its value is no timestamp")]
    [InlineData("up{a=\"b\" 1", "its labels cannot be read after number 0")]
    [InlineData("up{a=\"b\",c} 1", "its labels cannot be read after number 1")]
    [InlineData("up{a=\"b\",,c=\"d\"} 1", "its labels cannot be read after number 1")]
    [InlineData("up{a=b} 1", "its labels cannot be read after number 0")]
    [InlineData("up{a=\"b} 1", "its labels cannot be read after number 0")]
    [InlineData("up{a=\"b\\", "its labels cannot be read after number 0")]
    [InlineData("up{1a=\"b\"} 1", "its labels cannot be read after number 0")]
    [InlineData("up{a=\"b\"", "its labels cannot be read after number 1")]
    [InlineData("up{a=\"b\"}", "its value is not a number")]
    public void A_line_that_is_none_is_skipped_named_and_costs_no_other(string line, string problem)
    {
        var (samples, outcome) = Collect.From("first 1\n\n" + line + "\nlast 2\n");
        Assert.Equal(["first{} 1", "last{} 2"], samples);
        Assert.Equal((1, "line 3: " + problem), (outcome.MalformedLines, outcome.FirstProblem));
    }

    [Fact]
    public void Comments_and_blank_lines_are_nothing()
    {
        var (samples, outcome) = Collect.From("# HELP up Is it.\n# TYPE up gauge\n\n   \n#\n# EOF\n");
        Assert.Empty(samples);
        Assert.Equal((0, 0), (outcome.Samples, outcome.MalformedLines));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(1000)]
    public void Pieces_of_any_size_give_the_same(int pieces)
    {
        const string Body = "# TYPE a gauge\na{x=\"1\",y=\"\\\"\"} 1.5\n\nbad line here\nb 2\nc{z=\"é\"} 3";
        var whole = Collect.From(Body);
        var cut = Collect.From(Body, pieces: pieces);
        Assert.Equal(["a{x=1,y=\",} 1.5", "b{} 2", "c{z=é,} 3"], whole.Samples);
        Assert.Equal(whole.Samples, cut.Samples);
        Assert.Equal(whole.Outcome, cut.Outcome);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public void A_long_line_is_skipped_and_counted(int pieces)
    {
        var limits = new ExpositionLimits { MaxLineBytes = 10 };
        var (samples, outcome) = Collect.From("a23456 890\nlonger 8901\nb 1\nlonger still than that", limits, pieces);
        Assert.Equal(["a23456{} 890", "b{} 1"], samples);
        Assert.Equal((2, "line 2: longer than 10 bytes"), (outcome.LongLines, outcome.FirstProblem));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public void A_body_over_its_limit_is_cut_off_before_a_line_that_may_be_half(int pieces)
    {
        var limits = new ExpositionLimits { MaxBodyBytes = 7 };
        var (samples, outcome) = Collect.From("a 1\nb 123\nc 1\n", limits, pieces);
        Assert.Equal(["a{} 1"], samples);
        Assert.True(outcome.IsCutOff);
        Assert.Equal((7, "the body is larger than 7 bytes; the rest was not read"), (outcome.Bytes, outcome.FirstProblem));
        Assert.False(Collect.From("a 1\nb 1", limits, pieces).Outcome.IsCutOff);
    }

    [Fact]
    public void A_series_with_too_many_labels_is_malformed()
    {
        var limits = new ExpositionLimits { MaxLabels = 2 };
        var (samples, outcome) = Collect.From("a{x=\"\",y=\"\"} 1\nb{x=\"\",y=\"\",z=\"\"} 1\n", limits);
        Assert.Equal(["a{x=,y=,} 1"], samples);
        Assert.Equal("line 2: more than 2 labels", outcome.FirstProblem);
    }

    [Fact]
    public async Task A_stream_is_read_to_its_end_or_to_the_largest_body()
    {
        var body = string.Join('\n', Enumerable.Range(0, 20_000).Select(number => $"metric{{number=\"{number}\"}} {number}"));
        using var stream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(body));
        var sink = new Collect();
        var outcome = await ExpositionParser.ReadAsync(stream, sink, ExpositionLimits.Default, TestContext.Current.CancellationToken);
        Assert.Equal((20_000, 20_000, stream.Length), (outcome.Samples, sink.Samples.Count, outcome.Bytes));

        stream.Position = 0;
        var cut = await ExpositionParser.ReadAsync(stream, new Collect(), new ExpositionLimits { MaxBodyBytes = 1000 }, TestContext.Current.CancellationToken);
        Assert.True(cut.IsCutOff);
        Assert.True(stream.Position < stream.Length, "the whole stream was read");
    }
}
