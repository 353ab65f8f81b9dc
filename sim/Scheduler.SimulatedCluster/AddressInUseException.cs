using System.Globalization;

namespace Scheduler.SimulatedCluster;

/// <summary>Another program listens on the port that the cluster was told to use.</summary>
public sealed class AddressInUseException : IOException
{
    /// <summary>Creates the exception without naming a port.</summary>
    public AddressInUseException()
        : base("The port is in use by another program.")
    {
    }

    /// <summary>Creates the exception with a message of the caller's.</summary>
    public AddressInUseException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message of the caller's and its cause.</summary>
    public AddressInUseException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates the exception for a port.</summary>
    public AddressInUseException(int port, Exception innerException)
        : base(string.Create(CultureInfo.InvariantCulture, $"Port {port} on 127.0.0.1 is in use by another program. Choose another port, or 0 for any free one."), innerException)
    {
        Port = port;
    }

    /// <summary>The port, 1 to 65535; 0 if it is not known.</summary>
    public int Port { get; }
}
