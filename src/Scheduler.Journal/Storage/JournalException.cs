namespace Scheduler.Journal.Storage;

/// <summary>A journal cannot be opened, written or read. The message says why and what to do.</summary>
public sealed class JournalException : Exception
{
    /// <summary>With a message.</summary>
    public JournalException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and its cause.</summary>
    public JournalException(string message, Exception cause)
        : base(message, cause)
    {
    }

    /// <summary>Without a message.</summary>
    public JournalException()
    {
    }
}
