using Scheduler.Cli.Commands;
using Scheduler.Input;

namespace Scheduler.Cli.Input;

/// <summary>What mistakes in files are to a command: the user's, told in one line each.</summary>
internal static class FileMistakes
{
    /// <exception cref="UserErrorException">There are mistakes.</exception>
    public static void ThrowIfAny(this FileErrors errors)
    {
        if (errors.Any)
        {
            throw errors.ToException();
        }
    }

    /// <summary>The mistakes as an exception.</summary>
    public static UserErrorException ToException(this FileErrors errors) => new(errors.ToLines());
}
