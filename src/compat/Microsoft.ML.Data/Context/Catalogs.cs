using Microsoft.ML.Data;

namespace Microsoft.ML.Data
{
    /// <summary>A catalog, to those who extend it.</summary>
    internal interface IInternalCatalog
    {
        IHostEnvironment Environment { get; }
    }

    internal static class CatalogUtils
    {
        public static IHostEnvironment GetEnvironment(this IInternalCatalog catalog) => Contracts.CheckRef(catalog, nameof(catalog)).Environment;
    }
}

namespace Microsoft.ML
{
    /// <summary>The tasks' catalogs: each has trainers.</summary>
    public abstract class TrainCatalogBase : IInternalCatalog
    {
        private protected TrainCatalogBase(IHostEnvironment env, string registrationName)
        {
            Contracts.CheckNonEmpty(registrationName, nameof(registrationName));
            Environment = Contracts.CheckRef(env, nameof(env));
        }

        IHostEnvironment IInternalCatalog.Environment => Environment;

        private protected IHostEnvironment Environment { get; }

        /// <summary>Where a task's trainers are found as methods.</summary>
        public abstract class CatalogInstantiatorBase : IInternalCatalog
        {
            private protected CatalogInstantiatorBase(TrainCatalogBase catalog) => Owner = catalog;

            internal TrainCatalogBase Owner { get; }

            IHostEnvironment IInternalCatalog.Environment => Owner.Environment;
        }
    }

    /// <summary>The transforms, by kind.</summary>
    public sealed class TransformsCatalog : IInternalCatalog
    {
        internal TransformsCatalog(IHostEnvironment env)
        {
            Environment = env;
            Conversion = new ConversionTransforms(this);
        }

        IHostEnvironment IInternalCatalog.Environment => Environment;

        internal IHostEnvironment Environment { get; }

        public ConversionTransforms Conversion { get; }

        public sealed class ConversionTransforms : IInternalCatalog
        {
            internal ConversionTransforms(TransformsCatalog owner) => Environment = owner.Environment;

            internal IHostEnvironment Environment { get; }

            IHostEnvironment IInternalCatalog.Environment => Environment;
        }
    }
}
