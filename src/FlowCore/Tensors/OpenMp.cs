using System.Runtime.InteropServices;

namespace FlowCore.Tensors;

/// <summary>The threads behind libtorch's operations on the CPU.</summary>
public static partial class OpenMp
{
    /// <summary>
    /// Lets idle threads sleep instead of spin. A server shares its cores with its own JSON work, its clients or other containers, and a training
    /// with what else runs: spinning threads then take the core from the one they wait for (3 times slower, measured with as many busy
    /// processes as cores). Must come before libtorch is loaded; a setting of the operator's own is kept.
    /// </summary>
    public static void WaitPassively()
    {
        if (OperatingSystem.IsLinux())
            _ = SetEnvironment("OMP_WAIT_POLICY", "PASSIVE", overwrite: 0);
    }

    // The runtime's own Environment.SetEnvironmentVariable does not reach native libraries on Linux.
    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
