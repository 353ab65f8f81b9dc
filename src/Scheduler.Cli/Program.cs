using Scheduler.Cli.Commands;

return await WeirCommand.RunAsync(args, Terminal.OfProcess());
