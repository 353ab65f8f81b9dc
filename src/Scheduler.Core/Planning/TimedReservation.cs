namespace Scheduler.Core.Planning;

/// <summary>Capacity promised to a waiting workload from a known time on.</summary>
/// <param name="Holder">For whom.</param>
/// <param name="From">When it can start at the latest, if what runs ends as expected.</param>
/// <param name="IsInsideGuarantee">Whether it is inside its tenant's guarantee, so that it may send burst of others away then.</param>
internal sealed record TimedReservation(Applicant Holder, DateTimeOffset From, bool IsInsideGuarantee);

/// <summary>A reservation as its holder sees it.</summary>
/// <param name="From">When it can start at the latest.</param>
/// <param name="Placements">Where.</param>
internal sealed record PlannedReservation(DateTimeOffset From, IReadOnlyList<Placement> Placements);
