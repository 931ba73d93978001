using System.Reflection;

namespace FlowCore.Tests;

public sealed class Architecture
{
    [Fact]
    public void FlowCore_knows_nothing_of_the_service_or_the_command_line()
    {
        string[] references = [.. typeof(Flow).Assembly.GetReferencedAssemblies().Select(name => name.Name!)];
        Assert.DoesNotContain("FlowService", references);
        Assert.DoesNotContain("flow", references);
        Assert.DoesNotContain(references, name => name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal)
            || name.StartsWith("Microsoft.Extensions", StringComparison.Ordinal));
    }

    [Fact]
    public void The_package_caches_native_library_is_left_as_it_was()
    {
        string ours = Path.Combine(AppContext.BaseDirectory, "libLibTorchSharp.so");
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists(ours), "the native library is patched on Linux alone");
        string packages = typeof(Architecture).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "NuGetPackages").Value!;
        string cached = Path.Combine(packages, "torchsharp", "0.107.0", "runtimes", "linux-x64", "native", "libLibTorchSharp.so");
        byte[] before = File.ReadAllBytes(cached), after = File.ReadAllBytes(ours);
        Assert.Equal(before.Length, after.Length);
        int[] changed = [.. Enumerable.Range(0, before.Length).Where(i => before[i] != after[i])];
        // One flag of one entry: VER_FLG_WEAK.
        int at = Assert.Single(changed);
        Assert.Equal((0, 2), (before[at], after[at]));
    }
}
