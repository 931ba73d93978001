using System.Security.Cryptography;
using System.Text;

namespace FlowCore.Engines.Gpu.Cuda;

/// <summary>Compiled kernels on disk, each under the hash of its text, its architecture and its compiler: a restart finds them.</summary>
internal static class KernelCache
{
    /// <summary>Machine code for the text: from the folder, or compiled now and put there. Without the folder everything works, and is compiled at each start.</summary>
    public static byte[] Find(GpuOptions options, string text, string architecture)
    {
        KernelCompiler compiler = KernelCompiler.Open(options);
        if (options.KernelFolder.Length == 0)
            return compiler.Compile(text, architecture);
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(compiler.Recipe(architecture) + '\n' + text));
        string path = Path.Combine(options.KernelFolder, Convert.ToHexStringLower(hash) + ".cubin");
        if (Read(path) is { } kept)
            return kept;
        byte[] code = compiler.Compile(text, architecture);
        Write(path, code);
        return code;
    }

    // A length behind the code tells a whole file from one that a full disk cut off.
    private static byte[]? Read(string path)
    {
        try
        {
            byte[] bytes = File.ReadAllBytes(path);
            return bytes.Length > sizeof(long) && BitConverter.ToInt64(bytes, bytes.Length - sizeof(long)) == bytes.Length ? bytes[..^sizeof(long)] : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // Beside, then renamed: whoever reads at the same time sees all of it or nothing.
    private static void Write(string path, byte[] code)
    {
        string beside = $"{path}.{Guid.NewGuid():n}";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(beside, [.. code, .. BitConverter.GetBytes((long)code.Length + sizeof(long))]);
            File.Move(beside, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A folder that cannot be written costs the next start its time, and nothing else.
            TryDelete(beside);
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What is left is small, and never read.
        }
    }
}
