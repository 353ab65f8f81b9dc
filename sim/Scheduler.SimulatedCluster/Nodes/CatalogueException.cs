namespace Scheduler.SimulatedCluster;

/// <summary>A node file is wrong.</summary>
public sealed class CatalogueException : FormatException
{
    /// <summary>Creates the exception without errors.</summary>
    public CatalogueException()
    {
    }

    /// <summary>Creates the exception with one error.</summary>
    public CatalogueException(string message)
        : base(message)
    {
        Errors = [message];
    }

    /// <summary>Creates the exception with one error and its cause.</summary>
    public CatalogueException(string message, Exception innerException)
        : base(message, innerException)
    {
        Errors = [message];
    }

    /// <summary>Creates the exception with every error, each with its place.</summary>
    public CatalogueException(IReadOnlyList<string> errors)
        : base(string.Join(Environment.NewLine, errors))
    {
        Errors = errors;
    }

    /// <summary>Every error with its place.</summary>
    public IReadOnlyList<string> Errors { get; } = [];
}
