"""The storage provider's refusals: of accounts, of shares, and what the file service says of itself."""

from __future__ import annotations

import uuid
from datetime import datetime

from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.errors import NotEmulated


def account_name_words(name: str) -> str:
    """What is wrong with a name that no account can have (AzureMonitorStarterPacks#171)."""
    return (
        f"{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in "
        "length and use numbers and lower-case letters only."
    )


def account_name_invalid(name: str) -> CloudError:
    """See `account_name_words`."""
    return CloudError(400, "AccountNameInvalid", account_name_words(name))


def account_taken(name: str) -> CloudError:
    """Somebody in another subscription has an account of that name (hashicorp/terraform#11485)."""
    return CloudError(409, "StorageAccountAlreadyTaken", f"The storage account named {name} is already taken.")


def account_exists(name: str) -> CloudError:
    """Another group has an account of that name (azure-docs troubleshooting/error-storage-account-name.md)."""
    message = f"The account {name} is already in another resource group in this subscription."
    return CloudError(409, "StorageAccountInAnotherResourceGroup", message)


def not_provisioned() -> CloudError:
    """An account that is still being made (azurefile-csi-driver#186)."""
    return CloudError(
        409,
        "StorageAccountIsNotProvisioned",
        "The storage account provisioning state must be 'Succeeded' before executing the operation.",
    )


def parent_not_found(verb: str, kind: str, account_id: str) -> CloudError:
    """What hangs on an account that there is not; `kind` as `storageAccounts/fileServices`.

    Source: cloud-provider-azure pkg/azclient/fileservicepropertiesclient/testdata/AZURECLOUD.yaml.
    """
    return CloudError(
        404,
        "ParentResourceNotFound",
        f"Failed to perform '{verb}' on resource(s) of type '{kind}', because the parent resource '{account_id}' could "
        "not be found.",
    )


def share_not_found(now: datetime) -> CloudError:
    """cloud-provider-azure pkg/azclient/fileshareclient/testdata/AZURECLOUD.yaml."""
    return _service(404, "ShareNotFound", "The specified share does not exist.", now)


def share_exists(now: datetime) -> CloudError:
    """A share that is to be restored under a name that is taken (learn.microsoft.com, file service error codes)."""
    return _service(409, "ShareAlreadyExists", "The specified share already exists.", now)


def share_name_invalid(now: datetime) -> CloudError:
    """Signs that no share's name has; the spelling is Azure's (azurefile-csi-driver#600)."""
    return _service(400, "InvalidResourceName", "The specifed resource name contains invalid characters.", now)


def share_name_length(now: datetime) -> CloudError:
    """A share's name has 3 to 63 signs."""
    message = "The specified resource name length is not within the permissible limits."
    return _service(400, "OutOfRangeInput", message, now)


def header_value_invalid(now: datetime) -> CloudError:
    """A quota below the minimum of its tier or above its maximum, a tier that a premium share has not.

    The provider hands a share's properties on to the file service as headers, and its refusal says no more than that
    (azure-cli#18405, AKS#1516, terraform-provider-azurerm#4782).
    """
    message = "The value for one of the HTTP headers is not in the correct format."
    return _service(400, "InvalidHeaderValue", message, now)


def nfs_not_supported() -> CloudError:
    """NFS on an account that is not premium FileStorage (azure-cli#32510)."""
    message = "NfsFileShares is not supported for the account."
    return CloudError(400, "FeatureNotSupportedForAccount", message)


def account_is_full() -> CloudError:
    """Provisioned shares, deleted ones that can be restored as well, would be more than an account may have.

    Source: azurefile-csi-driver#523, #3132; azure-docs databox/data-box-troubleshoot-data-upload.md.
    """
    message = "The total provisioned capacity of the shares cannot exceed the account maximum size limit."
    return CloudError(409, "TotalSharesProvisionedCapacityExceedsAccountLimit", message)


def property_is_fixed(name: str) -> CloudError:
    """A property that is settled when the account is made (Azure/ResourceModules#3106, jenkins-infra/azure#125)."""
    message = (
        f"The property '{name}' was specified in the input, but it cannot be updated as it is read-only. "
        "For more information, see - https://aka.ms/storageaccountupdate"
    )
    return CloudError(400, "AccountPropertyCannotBeUpdated", message)


def values_invalid(*names: str) -> CloudError:
    """A SKU or a kind that there is not, or that do not go together (terraform-provider-azurerm#8089, #4842)."""
    message = f"Values for request parameters are invalid: {', '.join(names)}."
    return CloudError(400, "InvalidValuesForRequestParameters", message)


def sku_is_fixed(had: str, wanted: str) -> CloudError:
    """Standard stays standard, zones stay zones (terraform-provider-azurerm#110, CromwellOnAzure#159)."""
    message = f"Storage account type {had} cannot be changed to {wanted}."
    return CloudError(400, "StorageAccountTypeConversionNotAllowed", message)


def no_file_service() -> CloudError:
    """An account for blobs alone (turbot/steampipe-plugin-azure#474)."""
    return CloudError(400, "FeatureNotSupportedForAccount", "File is not supported for the account.")


def not_emulated(what: str) -> CloudError:
    """Azure has it, the lab has not."""
    return CloudError(NotEmulated.code, NotEmulated.reason, f"The lab does not emulate {what}.")


def _service(status: int, code: str, message: str, now: datetime) -> CloudError:
    """A refusal of the file service itself, which ends with the request's id and time."""
    return CloudError(status, code, f"{message}\nRequestId:{uuid.uuid4()}\nTime:{storage_time(now)}")


def storage_time(moment: datetime) -> str:
    """ISO 8601 with seven decimals and `Z`, as the storage provider writes times."""
    return f"{moment.isoformat(timespec='microseconds')[:26]}0Z"
