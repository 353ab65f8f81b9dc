using Scheduler.Benchmarks.Commands;

return BenchmarkCommand.Run(args);
