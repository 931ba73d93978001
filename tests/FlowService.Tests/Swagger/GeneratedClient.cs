using System.Collections;
using System.Reflection;
using System.Runtime.Serialization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Newtonsoft.Json;
using NSwag;
using NSwag.CodeGeneration.CSharp;
using NSwag.CodeGeneration.OperationNameGenerators;

namespace FlowService.Tests.Swagger;

/// <summary>A client that a stock generator makes of the service's description, compiled and ready to be called.</summary>
internal sealed class GeneratedClient
{
    private readonly object client;

    private GeneratedClient(object client) => this.client = client;

    public static async Task<GeneratedClient> OfAsync(string description, HttpClient http)
    {
        OpenApiDocument document = await OpenApiDocument.FromJsonAsync(description);
        var settings = new CSharpClientGeneratorSettings
        {
            ClassName = "FlowClient",
            UseBaseUrl = false,
            OperationNameGenerator = new SingleClientFromOperationIdOperationNameGenerator(),
            CSharpGeneratorSettings = { Namespace = "Generated" },
        };
        Assembly assembly = Compile(new CSharpClientGenerator(document, settings).GenerateFile());
        return new(Activator.CreateInstance(assembly.GetType("Generated.FlowClient")!, http)!);
    }

    /// <summary>Calls an operation with some of its arguments by name, the body as JSON, and answers with what it returns.</summary>
    public async Task<object> CallAsync(string operation, string? body, params (string Name, object Value)[] arguments)
    {
        MethodInfo method = MethodOf(operation);
        object?[] values = [.. method.GetParameters().Select(parameter => arguments.FirstOrDefault(argument => argument.Name == parameter.Name) is { Name: not null } given
            ? given.Value
            : parameter.Name == "body" && body is not null ? JsonConvert.DeserializeObject(body, parameter.ParameterType) : null)];
        var call = (Task)method.Invoke(client, values)!;
        await call;
        return call.GetType().GetProperty("Result")!.GetValue(call)!;
    }

    /// <summary>Names as the values of the enumeration that the generator made of those that the description lists.</summary>
    public IList Names(string operation, string parameter, params string[] names)
    {
        Type choice = MethodOf(operation).GetParameters().Single(each => each.Name == parameter).ParameterType.GetGenericArguments()[0];
        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(choice))!;
        foreach (string name in names)
            list.Add(choice.GetFields().Single(field => field.GetCustomAttribute<EnumMemberAttribute>()?.Value == name).GetValue(null));
        return list;
    }

    private MethodInfo MethodOf(string operation) => client.GetType().GetMethods().Single(method =>
        method.Name.Equals($"{operation}Async", StringComparison.OrdinalIgnoreCase) && !method.GetParameters().Any(parameter => parameter.ParameterType == typeof(CancellationToken)));

    private static Assembly Compile(string code)
    {
        IEnumerable<MetadataReference> references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path));
        var compilation = CSharpCompilation.Create("Generated", [CSharpSyntaxTree.ParseText(code)], references, new(OutputKind.DynamicallyLinkedLibrary));
        using var bytes = new MemoryStream();
        var result = compilation.Emit(bytes);
        Assert.True(result.Success, string.Join('\n', result.Diagnostics.Where(each => each.Severity == DiagnosticSeverity.Error)));
        return Assembly.Load(bytes.ToArray());
    }
}
