using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Scheduler.Cli.Workloads;

/// <summary>An object that is created at a time.</summary>
/// <param name="At">After the start.</param>
/// <param name="Namespace">Where.</param>
/// <param name="Name">Its name.</param>
/// <param name="Manifest">Makes the object. Called once, when its time has come: thousands of manifests need not wait in memory.</param>
/// <param name="Pods">Pods that will come of it.</param>
internal sealed record Submission(TimeSpan At, string Namespace, string Name, Func<JsonObject> Manifest, int Pods);

/// <summary>Everything that will be submitted, in order of time.</summary>
/// <param name="Submissions">Sorted by <see cref="Submission.At"/>; among equals in the order of the file.</param>
/// <param name="About">What it is, in one line.</param>
internal sealed record WorkloadSchedule(ImmutableArray<Submission> Submissions, string About)
{
    public static readonly WorkloadSchedule Nothing = new([], "no workload");

    /// <summary>When the last one arrives.</summary>
    public TimeSpan Length => Submissions.IsEmpty ? TimeSpan.Zero : Submissions[^1].At;

    public long Pods => Submissions.Sum(submission => (long)submission.Pods);
}
