using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Scheduler.Simulation.CapacityPlanning;

/// <summary>The answer, with what it rests on. Figures have three digits; null is without end, as the wait of a job that can never start.</summary>
/// <param name="Scenario">Name of the scenario.</param>
/// <param name="Scheduler">Who decided.</param>
/// <param name="FirstSeed">The first seed; the others follow it.</param>
/// <param name="Seeds">How many there are.</param>
/// <param name="ConfidencePercent">How sure the intervals are.</param>
/// <param name="Search">How settings were chosen to be run.</param>
/// <param name="SettingsInAll">How many settings the knobs have.</param>
/// <param name="IsEnough">Whether a setting is enough.</param>
/// <param name="Answer">In a plain sentence.</param>
/// <param name="Chosen">The place of the answer, or else of what came closest, in the settings, counted from 0; null if none can be had.</param>
/// <param name="Goals">What was to be met.</param>
/// <param name="Knobs">What was turned.</param>
/// <param name="Settings">Those that were run, and those that cannot be had; the cheapest first.</param>
internal sealed record PlanReport(
    string Scenario,
    string Scheduler,
    ulong FirstSeed,
    int Seeds,
    int ConfidencePercent,
    SearchMethod Search,
    int SettingsInAll,
    bool IsEnough,
    string Answer,
    int? Chosen,
    ImmutableArray<GoalReport> Goals,
    ImmutableArray<KnobReport> Knobs,
    ImmutableArray<SettingReport> Settings)
{
    /// <summary>What the report is of.</summary>
    [JsonIgnore]
    public Frontier Frontier { get; private init; } = null!;

    /// <summary>Reports a frontier.</summary>
    public static PlanReport Of(CapacityPlan plan, Frontier frontier)
    {
        var chosen = frontier.Answer ?? frontier.Closest(plan.Goals);
        return new PlanReport(
            plan.Scenario.Name,
            plan.Scheduler,
            plan.Seed,
            plan.Seeds,
            (int)Math.Round(100 * Estimate.Confidence),
            frontier.Method,
            frontier.Of,
            frontier.Answer is not null,
            PlanAnswer.Of(plan, frontier),
            chosen is null ? null : frontier.Settings.IndexOf(chosen),
            [.. plan.Goals.Select(goal => new GoalReport(goal.Text, goal.Name, goal.IsUpperBound ? "<" : ">", Digits(goal.Threshold)!.Value, goal.Unit))],
            [.. plan.Knobs.Select(knob => new KnobReport(knob.Name, knob.From, knob.To, knob.Step))],
            [.. frontier.Settings.Select(result => SettingReport.Of(result, plan.Goals))])
        {
            Frontier = frontier,
        };
    }

    /// <summary>As JSON: one object, the same bytes for the same report.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, PlanJson.Readable.PlanReport);

    internal static decimal? Digits(double value) => double.IsInfinity(value) ? null : Results.Figures.Round((decimal)value, 3);
}

/// <summary>A goal.</summary>
/// <param name="Text">As it was given.</param>
/// <param name="Figure">The figure in words.</param>
/// <param name="Is">On which side of the bound figures are to be.</param>
/// <param name="Bound">The bound.</param>
/// <param name="Unit">In what it is counted: seconds, percent or gpuHours.</param>
internal sealed record GoalReport(string Text, string Figure, string Is, decimal Bound, string Unit);

/// <summary>A knob.</summary>
/// <param name="Name">Its name.</param>
/// <param name="From">The least value.</param>
/// <param name="To">The greatest value.</param>
/// <param name="Step">The distance between values.</param>
internal sealed record KnobReport(string Name, decimal From, decimal To, decimal Step);

/// <summary>A setting.</summary>
/// <param name="Values">By knob.</param>
/// <param name="Nodes">Nodes of the cluster.</param>
/// <param name="Gpus">Installed GPUs.</param>
/// <param name="Verdict">The worst of its goals.</param>
/// <param name="WhyImpossible">Why it was not run; null if it was.</param>
/// <param name="Figures">By goal; empty if it was not run.</param>
internal sealed record SettingReport(
    ImmutableArray<decimal> Values, int Nodes, int Gpus, Verdict Verdict, string? WhyImpossible, ImmutableArray<FigureReport> Figures)
{
    public static SettingReport Of(SettingResult result, ImmutableArray<Goal> goals) => new(
        result.Setting.Values,
        result.Setting.Nodes.Length,
        result.Setting.Gpus,
        result.Verdict,
        result.Setting.WhyImpossible,
        [.. goals.Zip(result.Estimates).Select(pair => new FigureReport(
            PlanReport.Digits(pair.Second.Mean),
            PlanReport.Digits(pair.Second.HalfWidth)!.Value,
            pair.First.Judge(pair.Second),
            [.. pair.Second.Values.Select(PlanReport.Digits)]))]);
}

/// <summary>The figure of a goal.</summary>
/// <param name="Mean">The mean over the seeds.</param>
/// <param name="HalfWidth">Half the length of its confidence interval.</param>
/// <param name="Verdict">What the interval says about the goal.</param>
/// <param name="BySeed">The figure of each run, in the order of the seeds.</param>
internal sealed record FigureReport(decimal? Mean, decimal HalfWidth, Verdict Verdict, ImmutableArray<decimal?> BySeed);

/// <summary>How plans are written.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(PlanReport))]
internal sealed partial class PlanJson : JsonSerializerContext
{
    /// <summary>Names and values of enumerations in camelCase, indented. For a terminal or a file, never for HTML.</summary>
    public static PlanJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters =
        {
            new JsonStringEnumConverter<Verdict>(JsonNamingPolicy.CamelCase),
            new JsonStringEnumConverter<SearchMethod>(JsonNamingPolicy.CamelCase),
        },
    });
}
