namespace FlowService.Security;

/// <summary><c>FlowService key</c>: makes a key, and the hash that the service keeps of it. With <c>-</c> it reads a key that there is from its input.</summary>
internal static class KeyCommand
{
    public const string Name = "key";

    public static void Run(bool reads, TextReader input, TextWriter output)
    {
        string key = reads ? input.ReadLine() ?? "" : KeyHash.NewKey();
        if (!reads)
            output.WriteLine($"Key:  {key}");
        output.WriteLine($"Hash: {KeyHash.Of(key)}");
        if (!reads)
            output.WriteLine("Give the key to the client, which sends it as Authorization: Bearer KEY. The hash goes into Security:KeysFile, as {\"NAME\": {\"Hash\": \"...\", \"Scopes\": \"infer\"}}.");
    }
}
