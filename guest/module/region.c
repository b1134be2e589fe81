// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the shared region is: reserved RAM given by the parameters region= and size=, or an ivshmem-plain device,
 * which may be hot-plugged at any time. Either way it must be mapped write-back: an uncached mapping works, and makes
 * every record a hundred times dearer.
 */
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pgtable.h>
#include "hypertrace.h"

static unsigned long region_address;
module_param_named(region, region_address, ulong, 0444);
MODULE_PARM_DESC(region, "Physical address of the reserved memory that the host shares (0: an ivshmem device)");
static char *region_size = "0";
module_param_named(size, region_size, charp, 0444);
MODULE_PARM_DESC(size, "Size of that memory, in bytes or with K, M, G");

struct ht_mapping ht_map;
static bool driver_registered;

/*
 * Counts the mapping's uncached entries, and makes them write-back if `fix`. The firmware's MTRRs say uncached for the
 * PCI hole below 4 GiB, and memremap(WB) silently follows them; but the region is ordinary memory of the host. No TLB
 * flush is needed, because nothing has used the mapping yet.
 */
static unsigned int uncached_entries(void *base, size_t bytes, bool fix)
{
	unsigned int uncached = 0;
#ifdef CONFIG_X86_64
	unsigned long address = (unsigned long)base, step;
	unsigned int level;

	for (; address < (unsigned long)base + bytes; address += step) {
		pte_t *pte = lookup_address(address, &level);

		if (!pte)
			return UINT_MAX;
		step = page_level_size(level);
		if (!(pte_val(*pte) & (_PAGE_PWT | _PAGE_PCD)))
			continue;
		uncached++;
		if (fix)
			set_pte(pte, __pte(pte_val(*pte) & ~(_PAGE_PWT | _PAGE_PCD)));
	}
#endif
	return uncached;
}

/*
 * The first touch of a page of ours is an exit, where the hypervisor gives its memory only then. Better now than under
 * an event.
 */
static void touch_all(void)
{
	size_t offset;

	for (offset = 0; offset < ht_map.bytes; offset += PAGE_SIZE) {
		(void)READ_ONCE(*(u8 *)(ht_map.base + offset));
		cond_resched();
	}
}

static int map(phys_addr_t address, size_t bytes)
{
	unsigned int uncached;
	int err;

	if (bytes < HT_MIN_REGION_BYTES) {
		pr_err("the region has %zu bytes, at least %u are needed\n", bytes, HT_MIN_REGION_BYTES);
		return -ENOSPC;
	}
	if (region_intersects(address, bytes, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) != REGION_DISJOINT) {
		pr_err("the kernel uses the memory at %pa itself: reserve it by memmap=%zuK$%pa\n", &address, bytes >> 10,
		       &address);
		return -EBUSY;
	}
	ht_map.base = memremap(address, bytes, MEMREMAP_WB);
	if (!ht_map.base) {
		pr_err("cannot map the region at %pa\n", &address);
		return -ENOMEM;
	}
	uncached = uncached_entries(ht_map.base, bytes, true);
	if (uncached && uncached_entries(ht_map.base, bytes, false)) {
		pr_err("the region at %pa is mapped uncached: place it above 4 GiB\n", &address);
		memunmap(ht_map.base);
		return -EIO;
	}
	ht_map.bytes = bytes;
	ht_map.region = ht_map.base;
	ht_map.host = ht_map.base + HT_HOST_OFFSET;
	ht_nested_start(address);
	touch_all();
	err = ht_start();
	if (err) {
		ht_nested_stop();
		memunmap(ht_map.base);
		memset(&ht_map, 0, sizeof(ht_map));
		return err;
	}
	pr_info("region at %pa, %zu KiB, %u rings of %u x %u KiB%s\n", &address, ht_map.bytes >> 10, ht_map.region->nr_rings,
		ht_map.region->nr_packets, ht_map.region->packet_bytes >> 10,
		uncached ? ", mapping corrected to write-back" : "");
	return 0;
}

static void unmap(void)
{
	if (!ht_map.base)
		return;
	ht_nested_stop();
	ht_stop();
	memunmap(ht_map.base);
	memset(&ht_map, 0, sizeof(ht_map));
}

#define IVSHMEM_MEMORY_BAR 2

static int ivshmem_probe(struct pci_dev *device, const struct pci_device_id *id)
{
	int err;

	if (ht_map.base) {
		pci_warn(device, "hypertrace has a region already: this one is left alone\n");
		return -EBUSY;
	}
	err = pcim_enable_device(device);
	if (err)
		return err;
	err = pci_request_region(device, IVSHMEM_MEMORY_BAR, "hypertrace");
	if (err) {
		pci_err(device, "its memory is in use by another driver\n");
		return err;
	}
	err = map(pci_resource_start(device, IVSHMEM_MEMORY_BAR), pci_resource_len(device, IVSHMEM_MEMORY_BAR));
	if (err)
		pci_release_region(device, IVSHMEM_MEMORY_BAR);
	return err;
}

static void ivshmem_remove(struct pci_dev *device)
{
	unmap();
	pci_release_region(device, IVSHMEM_MEMORY_BAR);
}

static const struct pci_device_id ivshmem_ids[] = { { PCI_DEVICE(0x1af4, 0x1110) }, { } };
MODULE_DEVICE_TABLE(pci, ivshmem_ids);

static struct pci_driver ivshmem_driver = {
	.name = "hypertrace",
	.id_table = ivshmem_ids,
	.probe = ivshmem_probe,
	.remove = ivshmem_remove,
};

int ht_region_init(void)
{
	unsigned long long bytes;
	char *end;
	int err;

	if (region_address) {
		bytes = memparse(region_size, &end);
		if (*end || bytes > SIZE_MAX / 2 || !IS_ALIGNED(region_address, PAGE_SIZE)) {
			pr_err("region=0x%lx size=%s: a page-aligned address and a size are needed\n", region_address,
			       region_size);
			return -EINVAL;
		}
		return map(region_address, bytes);
	}
	err = pci_register_driver(&ivshmem_driver);
	if (err)
		return err;
	driver_registered = true;
	if (!ht_map.base)
		pr_info("no region yet: waiting for an ivshmem device (hypertrace attach), or load with region= and size=\n");
	return 0;
}

void ht_region_exit(void)
{
	if (driver_registered)
		pci_unregister_driver(&ivshmem_driver);
	else
		unmap();
}
