namespace Scheduler.Daemon.Extender;

/// <summary>A request that cannot be understood. The message names the place and what should be there.</summary>
internal sealed class BadExtenderRequestException(string message) : Exception(message);
