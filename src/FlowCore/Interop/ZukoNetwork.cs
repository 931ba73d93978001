using System.Globalization;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;

namespace FlowCore.Interop;

/// <summary>zuko's hyper-networks: a list of modules, each under its index.</summary>
internal static class ZukoNetwork
{
    public static LayerList Of(DescribedNode hyper, ForeignWeights source)
    {
        var layers = new LayerList();
        layers.Add(new ConcatContextSpec());
        Modules(hyper["modules"], hyper["prefix"].Text, source, layers);
        return layers;
    }

    private static void Modules(DescribedNode modules, string prefix, ForeignWeights source, LayerList layers)
    {
        foreach (DescribedNode module in modules.Items)
        {
            string key = $"{prefix}.{module["index"].Text}";
            switch (module["type"].Text)
            {
                case "Linear":
                    layers.Linear(source, key);
                    break;
                case "MaskedLinear":
                    layers.Linear(source, key, masked: true);
                    break;
                case "Residual":
                    layers.Residual(inner => Modules(module["inner"], key, source, inner));
                    break;
                case "LayerNormNoAffine":
                    layers.Add(new LayerNormSpec { Epsilon = module.Optional("eps")?.Number ?? 1e-5 });
                    break;
                case "LayerNorm":
                    layers.LayerNorm(source, key, module);
                    break;
                case "BatchNorm1d":
                    layers.BatchNorm(source, key, module["eps"].Number);
                    break;
                case "activation":
                    layers.Activation(Activation.Parse(module["function"].Text));
                    break;
                case "Identity" or "Dropout":
                    break;
                case var type:
                    layers.Activation(ActivationOf(module, type));
                    break;
            }
        }
    }

    private static Activation ActivationOf(DescribedNode module, string type)
    {
        string With(string name, string field) => module.Optional(field) is { } value
            ? string.Create(CultureInfo.InvariantCulture, $"{name}({value.Number:R})")
            : name;
        return Activation.Parse(type switch
        {
            "ReLU" => "relu",
            "LeakyReLU" => With("leaky_relu", "negative_slope"),
            "ELU" => With("elu", "alpha"),
            "Tanh" => "tanh",
            "SiLU" => "silu",
            "GELU" => "gelu",
            "Sigmoid" => "sigmoid",
            "Softplus" => "softplus",
            "SELU" => "selu",
            _ => throw module.Error($"the module '{type}' is not supported in a network"),
        });
    }
}
