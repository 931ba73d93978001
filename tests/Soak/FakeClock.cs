using System.Globalization;

namespace Soak;

/// <summary>
/// The time of day that a process sees, which jumps when it is told to, as on a machine whose clock is set. It goes by libfaketime, and leaves alone
/// the clock that only goes forward.
/// </summary>
internal sealed class FakeClock
{
    // Debian's, and where it is built by hand.
    private static readonly string[] Libraries =
        ["/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1", "/usr/local/lib/faketime/libfaketimeMT.so.1"];

    private readonly string file;

    private FakeClock(string file) => this.file = file;

    /// <summary>The clock of a process that is started with these variables; null where the library is not installed.</summary>
    public static FakeClock? Of(DirectoryInfo folder, IDictionary<string, string?> environment)
    {
        if (Array.Find(Libraries, File.Exists) is not { } library)
            return null;
        var clock = new FakeClock(Path.Combine(folder.FullName, "clock"));
        clock.Set(TimeSpan.Zero);
        environment["LD_PRELOAD"] = library;
        environment["FAKETIME_TIMESTAMP_FILE"] = clock.file;
        environment["FAKETIME_CACHE_DURATION"] = "1"; // seconds until it looks again
        environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "1";
        return clock;
    }

    /// <summary>From now on it differs from the machine's by so much.</summary>
    public void Set(TimeSpan difference) => File.WriteAllText(file, difference.TotalSeconds.ToString("+0;-0", CultureInfo.InvariantCulture));
}
