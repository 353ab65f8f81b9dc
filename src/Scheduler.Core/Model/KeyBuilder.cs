using System.Globalization;
using System.Text;

namespace Scheduler.Core.Model;

/// <summary>
/// Builds a canonical text from parts, each preceded by its length, so that different parts never give the same text.
/// </summary>
internal sealed class KeyBuilder
{
    private readonly StringBuilder _text = new();

    public KeyBuilder Add(string part)
    {
        _text.Append(CultureFree(part.Length)).Append(':').Append(part);
        return this;
    }

    public KeyBuilder Add(long number)
    {
        _text.Append(CultureFree(number)).Append(';');
        return this;
    }

    public override string ToString() => _text.ToString();

    private static string CultureFree(long number) => number.ToString(NumberFormatInfo.InvariantInfo);
}
