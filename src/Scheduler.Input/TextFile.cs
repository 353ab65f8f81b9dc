using System.IO.Compression;
using System.Text;

namespace Scheduler.Input;

/// <summary>Reads files that the user named; what does not work becomes an error that says why.</summary>
internal static class TextFile
{
    /// <summary>The text, decompressed if the name ends in <c>.gz</c>, or null after an error.</summary>
    public static string? Read(string path, long maxBytes, FileErrors errors)
    {
        if (path.Length == 0)
        {
            errors.Add("\"\"", 0, "", "is no file's name; name a file");
            return null;
        }

        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using Stream content = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)
                ? new GZipStream(file, CompressionMode.Decompress)
                : file;
            return ReadUpTo(content, maxBytes) ?? Fail($"is larger than {maxBytes >> 20} MiB, which is more than such a file can need");
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return Fail("there is no such file; check the path");
        }
        catch (UnauthorizedAccessException)
        {
            return Fail(Directory.Exists(path) ? "is a folder; name a file" : "may not be read; check its permissions");
        }
        catch (InvalidDataException)
        {
            return Fail("is not gzip, though its name ends in .gz");
        }
        catch (IOException exception)
        {
            return Fail($"cannot be read: {exception.Message}");
        }

        string? Fail(string message)
        {
            errors.Add(path, 0, "", message);
            return null;
        }
    }

    private static string? ReadUpTo(Stream content, long maxBytes)
    {
        using var buffer = new MemoryStream();
        var chunk = new byte[64 << 10];
        for (int read; (read = content.Read(chunk)) > 0;)
        {
            buffer.Write(chunk, 0, read);
            if (buffer.Length > maxBytes)
            {
                return null;
            }
        }

        buffer.Position = 0;
        using var reader = new StreamReader(buffer, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
