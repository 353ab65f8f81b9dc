using Google.OrTools.Sat;

namespace Scheduler.TestKit.Oracles;

/// <summary>How the oracles call CP-SAT: one worker and a fixed seed, so that a case always gets the same answer.</summary>
internal static class ExactSolver
{
    private const string Parameters = "num_workers:1 random_seed:1 max_time_in_seconds:5";

    public static CpSolverStatus Solve(CpModel model, out CpSolver solver)
    {
        solver = new CpSolver { StringParameters = Parameters };
        return solver.Solve(model);
    }
}
