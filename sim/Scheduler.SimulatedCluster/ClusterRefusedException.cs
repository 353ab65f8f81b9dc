namespace Scheduler.SimulatedCluster;

/// <summary>The API server refuses a request that was made inside the process.</summary>
public sealed class ClusterRefusedException : Exception
{
    /// <summary>Creates the exception without a reason.</summary>
    public ClusterRefusedException()
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    public ClusterRefusedException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public ClusterRefusedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates the exception from a refusal.</summary>
    public ClusterRefusedException(int code, string reason, string message, Exception innerException)
        : base(message, innerException)
    {
        Code = code;
        Reason = reason;
    }

    /// <summary>The HTTP status code, such as 409.</summary>
    public int Code { get; }

    /// <summary>The reason of the Status, such as AlreadyExists.</summary>
    public string Reason { get; } = "Unknown";
}
