namespace Scheduler.Daemon.Hosting;

/// <summary>
/// The daemon cannot start because of something its user can mend. <see cref="Exception.Message"/> says what, in one line, or in one
/// line for each mistake of a configuration; no stack trace is wanted.
/// </summary>
public sealed class StartupException : Exception
{
    /// <param name="message">What is wrong and how to mend it.</param>
    /// <param name="innerException">What it was noticed by, if anything.</param>
    public StartupException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
