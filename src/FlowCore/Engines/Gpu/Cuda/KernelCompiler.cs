using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace FlowCore.Engines.Gpu.Cuda;

/// <summary>NVRTC: from the text of kernels to the machine code of one architecture.</summary>
internal sealed unsafe class KernelCompiler
{
    // No multiplication is contracted with an addition, nothing is flushed to 0, divisions and roots are rounded as IEEE 754 says.
    private static readonly string[] Exactly = ["--std=c++17", "--fmad=false", "--ftz=false", "--prec-div=true", "--prec-sqrt=true"];

    private static readonly ConcurrentDictionary<string, KernelCompiler> Opened = new(StringComparer.Ordinal);

    private readonly delegate* unmanaged<int*, int*, int> version;
    private readonly delegate* unmanaged<nint*, byte*, byte*, int, byte**, byte**, int> create;
    private readonly delegate* unmanaged<nint, int, byte**, int> compile;
    private readonly delegate* unmanaged<nint, nuint*, int> codeSize;
    private readonly delegate* unmanaged<nint, byte*, int> code;
    private readonly delegate* unmanaged<nint, nuint*, int> logSize;
    private readonly delegate* unmanaged<nint, byte*, int> log;
    private readonly delegate* unmanaged<nint*, int> destroy;
    private readonly delegate* unmanaged<int, byte*> errorString;

    private KernelCompiler(NativeCode library)
    {
        version = (delegate* unmanaged<int*, int*, int>)library.Function("nvrtcVersion");
        create = (delegate* unmanaged<nint*, byte*, byte*, int, byte**, byte**, int>)library.Function("nvrtcCreateProgram");
        compile = (delegate* unmanaged<nint, int, byte**, int>)library.Function("nvrtcCompileProgram");
        codeSize = (delegate* unmanaged<nint, nuint*, int>)library.Function("nvrtcGetCUBINSize");
        code = (delegate* unmanaged<nint, byte*, int>)library.Function("nvrtcGetCUBIN");
        logSize = (delegate* unmanaged<nint, nuint*, int>)library.Function("nvrtcGetProgramLogSize");
        log = (delegate* unmanaged<nint, byte*, int>)library.Function("nvrtcGetProgramLog");
        destroy = (delegate* unmanaged<nint*, int>)library.Function("nvrtcDestroyProgram");
        errorString = (delegate* unmanaged<int, byte*>)library.Function("nvrtcGetErrorString");
    }

    /// <summary>The compiler, once for each place.</summary>
    /// <exception cref="FlowException">It is not there; the message says where it was looked for.</exception>
    public static KernelCompiler Open(GpuOptions options) => Opened.GetOrAdd(options.Compiler, place =>
    {
        string[] candidates = [.. Candidates(place)];
        return new KernelCompiler(NativeCode.Open(candidates) ?? throw new FlowException(
            $"the GPU engine needs NVRTC, NVIDIA's compiler of kernels: none of {string.Join(", ", candidates)} can be loaded; install CUDA's package cuda-nvrtc, "
            + "or name its folder by Engine:Nvrtc (FLOW_NVRTC for flow): an installed PyTorch has it in site-packages/nvidia/cu13/lib or nvidia/cuda_nvrtc/lib"));
    });

    /// <summary>Whether it can be loaded.</summary>
    public static bool IsThere(GpuOptions options)
    {
        try
        {
            Open(options);
            return true;
        }
        catch (FlowException)
        {
            return false;
        }
    }

    /// <summary>Its version, as 13.0.</summary>
    public string Version
    {
        get
        {
            int major, minor;
            Check(version(&major, &minor));
            return string.Create(CultureInfo.InvariantCulture, $"{major}.{minor}");
        }
    }

    /// <summary>All that decides, beside the text, what comes out.</summary>
    public string Recipe(string architecture) => $"NVRTC {Version} {architecture} {string.Join(' ', Exactly)}";

    /// <param name="text">The kernels.</param>
    /// <param name="architecture">The device's, as sm_90.</param>
    /// <exception cref="FlowException">It does not compile: the compiler's own words.</exception>
    public byte[] Compile(string text, string architecture)
    {
        string[] options = [$"--gpu-architecture={architecture}", .. Exactly];
        nint program;
        fixed (byte* source = Bytes(text), name = Bytes("flow.cu"))
            Check(create(&program, source, name, 0, null, null));
        byte** arguments = stackalloc byte*[options.Length];
        try
        {
            for (int i = 0; i < options.Length; i++)
                arguments[i] = (byte*)Marshal.StringToCoTaskMemUTF8(options[i]);
            int status = compile(program, options.Length, arguments);
            if (status != 0)
                throw new FlowException($"NVRTC {Version} does not compile the kernels for {architecture} ({Words(status)}): {Log(program)}");
            nuint size;
            Check(codeSize(program, &size));
            var machine = new byte[size];
            fixed (byte* at = machine)
                Check(code(program, at));
            return machine;
        }
        finally
        {
            for (int i = 0; i < options.Length; i++)
                Marshal.FreeCoTaskMem((nint)arguments[i]);
            destroy(&program);
        }
    }

    private static IEnumerable<string> Candidates(string place)
    {
        string[] names = OperatingSystem.IsWindows()
            ? ["nvrtc64_130_0.dll", "nvrtc64_120_0.dll"]
            : ["libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12"];
        if (place.Length == 0)
            return [.. names, .. names.Select(name => Path.Combine("/usr/local/cuda/lib64", name))];
        return Directory.Exists(place) ? names.Select(name => Path.Combine(place, name)) : [place];
    }

    private string Log(nint program)
    {
        nuint size;
        if (logSize(program, &size) != 0 || size == 0)
            return "it says nothing";
        var words = new byte[size];
        fixed (byte* at = words)
            log(program, at);
        return Encoding.UTF8.GetString(words).TrimEnd('\0', '\n');
    }

    private void Check(int status)
    {
        if (status != 0)
            throw new FlowException($"NVRTC failed: {Words(status)}");
    }

    private string Words(int status) => Marshal.PtrToStringUTF8((nint)errorString(status)) ?? $"error {status}";

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text + '\0');
}
