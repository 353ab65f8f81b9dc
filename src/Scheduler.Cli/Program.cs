using System.Runtime.InteropServices;
using Scheduler.Cli.Commands;

// The first Ctrl-C (or SIGTERM) asks the command to end, which it does cleanly; the second ends the process at once.
using var ending = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, AskToEnd);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, AskToEnd);
return await WeirCommand.RunAsync(args, Terminal.OfProcess(), stop: ending.Token);

void AskToEnd(PosixSignalContext signal)
{
    signal.Cancel = !ending.IsCancellationRequested;
    ending.Cancel();
}
