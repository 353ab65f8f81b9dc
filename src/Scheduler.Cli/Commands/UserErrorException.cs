using System.Collections.Immutable;

namespace Scheduler.Cli.Commands;

/// <summary>
/// A mistake of the user, or of the world around the command: told in one line each on stderr, without a stack trace.
/// Everything else that is thrown is a bug and may show one.
/// </summary>
internal sealed class UserErrorException : Exception
{
    public UserErrorException(string message, Exception? cause = null)
        : base(message, cause) => Lines = [message];

    public UserErrorException(IEnumerable<string> lines)
        : this([.. lines])
    {
    }

    private UserErrorException(ImmutableArray<string> lines)
        : base(string.Join('\n', lines)) => Lines = lines;

    /// <summary>What the shell is told.</summary>
    public int ExitCode { get; init; } = ExitCodes.Failed;

    /// <summary>One line for each mistake, never empty.</summary>
    public ImmutableArray<string> Lines { get; }
}

/// <summary>What the command says to the shell.</summary>
internal static class ExitCodes
{
    public const int Success = 0;
    public const int Failed = 1;
    public const int BadUsage = 2;

    /// <summary>What <c>weir plan</c> was asked for is not to be had with any of the settings.</summary>
    public const int NothingIsEnough = 3;
}
