using Microsoft.Extensions.Logging;

namespace Scheduler.SimulatedCluster;

/// <summary>Every message that the simulated cluster logs. Ids 4000 to 4099.</summary>
internal static partial class Log
{
    [LoggerMessage(4000, LogLevel.Information, "The simulated cluster answers at {Address} with {Nodes} nodes")]
    public static partial void Started(ILogger logger, Uri address, int nodes);

    [LoggerMessage(4001, LogLevel.Critical, "The {Controller} of the simulated cluster has stopped; the cluster is no longer usable")]
    public static partial void ControllerFailed(ILogger logger, string controller, Exception exception);

    [LoggerMessage(4002, LogLevel.Error, "A request failed: {Method} {Path}")]
    public static partial void RequestFailed(ILogger logger, string method, string path, Exception exception);

    [LoggerMessage(4003, LogLevel.Warning, "A watch of {Resource} was too slow and was cut off")]
    public static partial void WatchCutOff(ILogger logger, string resource);
}
