using System.Globalization;

namespace Scheduler.Journal.Storage;

/// <summary>A segment on disk: <c>cycles-TIME-NUMBER.weirlog</c>, where TIME is that of its first cycle, in UTC.</summary>
/// <param name="Path">The file.</param>
/// <param name="Begins">The moment of its first cycle, cut to milliseconds.</param>
/// <param name="Number">Counts segments of a folder; the order in which they were written.</param>
/// <param name="Bytes">Its size when it was looked at.</param>
internal sealed record SegmentFile(string Path, DateTimeOffset Begins, long Number, long Bytes)
{
    private const string Prefix = "cycles-";
    private const string Suffix = ".weirlog";
    private const string TimeFormat = "yyyyMMdd'T'HHmmssfff'Z'";

    public static string NameOf(DateTimeOffset begins, long number) => string.Create(
        CultureInfo.InvariantCulture, $"{Prefix}{begins.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture)}-{number:D8}{Suffix}");

    /// <summary>The segments of a folder in the order in which they were written; other files are none of ours.</summary>
    public static List<SegmentFile> List(string folder) =>
    [
        .. new DirectoryInfo(folder).EnumerateFiles($"{Prefix}*{Suffix}").Select(Parse).OfType<SegmentFile>().OrderBy(segment => segment.Number),
    ];

    private static SegmentFile? Parse(FileInfo file)
    {
        var parts = file.Name[Prefix.Length..^Suffix.Length].Split('-');
        return parts is [var time, var number]
            && DateTimeOffset.TryParseExact(
                time, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var begins)
            && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed)
                ? new SegmentFile(file.FullName, begins, parsed, file.Length)
                : null;
    }
}
