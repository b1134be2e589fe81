// SPDX-License-Identifier: GPL-2.0-only
/*
 * The region, passed down: /dev/hypertrace-nestedN is a part at its end, which a guest of ours takes as its own region
 * (memory-backend-file,mem-path=/dev/hypertrace-nested0,share=on). What that guest writes is then in the memory of our
 * host at once, without an exit, and our host's recorder finds it there by this guest's header.
 *
 * The host says how much (hypertrace attach --nested-size), or else the parameters nested= and nested_parts=.
 */
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/wait.h>
#include "hypertrace.h"

static char *nested_size = "0";
module_param_named(nested, nested_size, charp, 0444);
MODULE_PARM_DESC(nested, "Size of the region's part for a guest of this one, in bytes or with K, M, G (0: the host says)");
static unsigned int nested_count = 1;
module_param_named(nested_parts, nested_count, uint, 0444);
MODULE_PARM_DESC(nested_parts, "How many of those parts");

static bool nested_hypercalls;
module_param(nested_hypercalls, bool, 0444);
MODULE_PARM_DESC(nested_hypercalls, "Let a host with the KVM of host/kvm take marks from guests of this one");

struct part {
	struct miscdevice device;
	char name[24];
	phys_addr_t address;
};

static struct part parts[HT_MAX_NESTED_PARTS];
static u32 nr_parts;
static size_t part_bytes;

/* A guest's VMM holds the memory while the file is open or mapped: the region cannot go before. */
static atomic_t users;
static DECLARE_WAIT_QUEUE_HEAD(no_users);

static struct part *part_of(struct file *file)
{
	/* what misc_open() left there */
	return container_of(file->private_data, struct part, device);
}

static int nested_open(struct inode *inode, struct file *file)
{
	atomic_inc(&users);
	return 0;
}

/* Called when the last mapping is gone, too: each has a reference to the file. */
static int nested_release(struct inode *inode, struct file *file)
{
	if (atomic_dec_and_test(&users))
		wake_up(&no_users);
	return 0;
}

/* A VMM asks so for the size. */
static loff_t nested_seek(struct file *file, loff_t offset, int whence)
{
	return fixed_size_llseek(file, offset, whence, part_bytes);
}

/*
 * Write-back, as our own mapping is: remap_pfn_range() agrees with it about the memory's type. A private mapping would
 * be a copy that nobody else sees.
 */
static int nested_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long pages = part_bytes >> PAGE_SHIFT;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_pgoff >= pages || vma_pages(vma) > pages - vma->vm_pgoff)
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start, PHYS_PFN(part_of(file)->address) + vma->vm_pgoff,
			       vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

static const struct file_operations nested_operations = {
	.owner = THIS_MODULE,
	.open = nested_open,
	.release = nested_release,
	.llseek = nested_seek,
	.mmap = nested_mmap,
};

/* How much for each part, and how many; false: none, or what cannot be. */
static bool wanted(size_t *bytes, u32 *count)
{
	const struct ht_host *host = ht_map.host;
	u64 each = (u64)READ_ONCE(host->nested_mib) << 20, front;
	char *end;

	*count = READ_ONCE(host->nested_parts) ?: 1;
	if (READ_ONCE(host->magic) != HT_HOST_MAGIC || READ_ONCE(host->abi_version) != HT_ABI_VERSION || !each) {
		each = memparse(nested_size, &end);
		*count = nested_count;
		if (*end)
			each = 1; /* no size: refused below */
	}
	if (!each)
		return false;
	front = ht_map.bytes;
	if (!*count || *count > HT_MAX_NESTED_PARTS || !IS_ALIGNED(each, HT_NESTED_ALIGN) || each > front / *count ||
	    front - each * *count < HT_MIN_REGION_BYTES) {
		pr_warn("nothing is passed on to guests of this one: %u parts of %llu bytes are no multiples of %u KiB, or do not fit into %zu KiB\n",
			*count, each, HT_NESTED_ALIGN >> 10, ht_map.bytes >> 10);
		return false;
	}
	*bytes = each;
	return true;
}

/* What lay here before, of another division, is no region; that of a guest that runs still, or was there, stays. */
static void clean(void *base)
{
	u64 *magic = base;

	if (READ_ONCE(*magic) && READ_ONCE(*magic) != HT_MAGIC)
		memset(base, 0, HT_HOST_OFFSET + HT_HOST_BYTES);
}

static int add_part(u32 index, phys_addr_t address)
{
	struct part *part = &parts[index];

	part->address = address;
	snprintf(part->name, sizeof(part->name), "hypertrace-nested%u", index);
	/* root's; who runs guests as another user changes that by a rule of udev */
	part->device = (struct miscdevice){
		.minor = MISC_DYNAMIC_MINOR,
		.name = part->name,
		.fops = &nested_operations,
		.mode = 0600,
	};
	return misc_register(&part->device);
}

u32 ht_nested_parts(void)
{
	return nr_parts;
}

/* Returns when no guest uses them any more: a device that is unplugged waits for that. */
void ht_nested_stop(void)
{
	u32 i;

	for (i = 0; i < nr_parts; i++)
		misc_deregister(&parts[i].device);
	if (nr_parts && atomic_read(&users))
		pr_info("waiting for a guest of this one to let go of its region\n");
	wait_event_idle(no_users, !atomic_read(&users));
	nr_parts = 0;
}

/* Takes the parts off the end of the region at `address`, before its rings are laid out. */
void ht_nested_start(phys_addr_t address)
{
	size_t bytes, front;
	u32 count, i;
	int err;

	if (!wanted(&bytes, &count))
		return;
	part_bytes = bytes;
	front = ht_map.bytes - bytes * count;
	for (i = 0; i < count; i++) {
		clean(ht_map.base + front + i * bytes);
		err = add_part(i, address + front + i * bytes);
		if (err) { /* the host finds all that were asked for, or none */
			pr_err("cannot make /dev/%s (%d)\n", parts[i].name, err);
			ht_nested_stop();
			return;
		}
		nr_parts++;
	}
	ht_map.bytes = front;
	pr_info("%u parts of %zu KiB for guests of this one: /dev/hypertrace-nested0 and so on\n", count, bytes >> 10);
}

/* A host with another KVM does not know this number, and says so; nothing depends on it. */
void ht_nested_allow(bool allow)
{
	if (nested_hypercalls && ht_hypercalls_possible())
		ht_hypercall(HT_HYPERCALL_NESTED, allow, 0, 0, 0);
}
