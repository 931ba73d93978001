namespace FlowCore.Engines.Gpu.Cuda;

/// <summary>One GPU as an engine holds it: the driver's shared context of that device, and what was taken there.</summary>
internal sealed unsafe class GpuDevice : IDisposable
{
    private readonly int device;
    private readonly nint context;
    private readonly List<(ulong At, long Bytes)> memory = [];
    private long allocated;
    private readonly List<nint> pinned = [], streams = [], modules = [];

    /// <exception cref="FlowException">There is no driver, or no such device.</exception>
    public GpuDevice(GpuOptions options, int ordinal)
    {
        Driver = CudaDriver.Open(options);
        if (ordinal >= Driver.Devices)
            throw new FlowException($"device 'cuda:{ordinal}' was asked for, but there are {Driver.Devices} GPUs");
        device = Driver.Device(ordinal);
        Name = FormattableString.Invariant($"cuda:{ordinal}");
        int major = Driver.Attribute(device, CudaAttribute.Major);
        Architecture = FormattableString.Invariant($"sm_{major}{Driver.Attribute(device, CudaAttribute.Minor)}");
        HasTf32 = major >= 8;
        Multiprocessors = Driver.Attribute(device, CudaAttribute.Multiprocessors);
        SharedBytes = Driver.Attribute(device, CudaAttribute.SharedBytes);
        context = Driver.RetainContext(device);
    }

    /// <summary>The number in a device's name, <c>cuda</c> or <c>cuda:n</c>.</summary>
    public static int Number(string name) => name.Length > 5 ? int.Parse(name.AsSpan(5), System.Globalization.CultureInfo.InvariantCulture) : 0;

    /// <summary>The number of the device that a name means, where driver and compiler are there to use it; null where they are not.</summary>
    public static int? Ordinal(string name, GpuOptions options)
    {
        bool any = name == "auto";
        if (!any && name != "cuda" && !(name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(name.AsSpan(5), out _)))
            return null;
        int ordinal = any ? 0 : Number(name);
        return ordinal < CudaDriver.CountDevices(options) && KernelCompiler.IsThere(options) ? ordinal : null;
    }

    /// <summary>Why a device cannot be used.</summary>
    public static FlowException Missing(string name, GpuOptions options)
    {
        try
        {
            int devices = CudaDriver.Open(options).Devices;
            KernelCompiler.Open(options);
            return new FlowException($"device '{name}' was asked for, but there are {devices} GPUs, cuda:0 the first of them");
        }
        catch (FlowException e)
        {
            return new FlowException($"device '{name}' was asked for: {e.Message}", e);
        }
    }

    public CudaDriver Driver { get; }

    public string Name { get; }

    /// <summary>As NVRTC has it: sm_90.</summary>
    public string Architecture { get; }

    /// <summary>Whether its tensor cores compute in TF32: from Ampere on.</summary>
    public bool HasTf32 { get; }

    public int Multiprocessors { get; }

    /// <summary>The most memory that a block may have to itself.</summary>
    public int SharedBytes { get; }

    /// <summary>To be called first by whoever calls the driver, on any thread.</summary>
    public void Enter() => Driver.Enter(context);

    public nint Load(ReadOnlySpan<byte> code)
    {
        nint module = Driver.LoadModule(code);
        modules.Add(module);
        return module;
    }

    public nint Stream()
    {
        nint stream = Driver.CreateStream();
        streams.Add(stream);
        return stream;
    }

    /// <exception cref="InsufficientMemoryException">There is not so much.</exception>
    public ulong Allocate(long bytes)
    {
        bytes = Math.Max(bytes, 16);
        ulong at = Driver.Allocate(bytes);
        memory.Add((at, bytes));
        Interlocked.Add(ref allocated, bytes);
        return at;
    }

    public void* AllocateHost(long bytes)
    {
        void* at = Driver.AllocateHost(Math.Max(bytes, 16));
        pinned.Add((nint)at);
        return at;
    }

    /// <summary>Gives back what was taken since there was so much: for whoever has to do with less.</summary>
    public void GiveBack((int Memory, int Pinned) since)
    {
        for (; memory.Count > since.Memory; memory.RemoveAt(memory.Count - 1))
        {
            Driver.Free(memory[^1].At);
            Interlocked.Add(ref allocated, -memory[^1].Bytes);
        }
        for (; pinned.Count > since.Pinned; pinned.RemoveAt(pinned.Count - 1))
            Driver.FreeHost((void*)pinned[^1]);
    }

    /// <summary>How much has been taken.</summary>
    public (int Memory, int Pinned) Taken => (memory.Count, pinned.Count);

    /// <summary>The device's memory now, asked by any thread: also while the engine is given back.</summary>
    public DeviceMemory Memory()
    {
        nint held = Driver.RetainContext(device);
        try
        {
            Driver.Enter(held);
            var (free, total) = Driver.Memory();
            return new(Name, Driver.Name(device), Interlocked.Read(ref allocated), free, total);
        }
        finally
        {
            Driver.ReleaseContext(device);
        }
    }

    /// <summary>Gives everything back to the driver.</summary>
    public void Dispose()
    {
        Enter();
        GiveBack((0, 0));
        streams.ForEach(Driver.DestroyStream);
        modules.ForEach(Driver.UnloadModule);
        Driver.ReleaseContext(device);
    }
}
