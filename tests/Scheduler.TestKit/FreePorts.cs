using System.Net;
using System.Net.Sockets;

namespace Scheduler.TestKit;

/// <summary>Ports of the loopback address that nobody listens on.</summary>
public static class FreePorts
{
    /// <summary>
    /// <paramref name="count"/> ports that differ. They are free when this returns; another program may still take one before the
    /// caller's does, so whoever starts a program on one must be ready to start it again on another.
    /// </summary>
    public static IReadOnlyList<int> Take(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        try
        {
            foreach (var listener in listeners) listener.Start();
            return [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            foreach (var listener in listeners) listener.Dispose();
        }
    }
}
