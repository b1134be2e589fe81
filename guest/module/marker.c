// SPDX-License-Identifier: GPL-2.0-only
/* /dev/hypertrace: each write() to it is one marker event, as `echo text > /dev/hypertrace` or from a program. */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include "hypertrace.h"

#define MARKER_BYTES 1024

static ssize_t marker_write(struct file *file, const char __user *from, size_t bytes, loff_t *offset)
{
	char text[MARKER_BYTES];
	u32 pid = current->pid;
	size_t length = min(bytes, sizeof(text) - 1);

	if (copy_from_user(text, from, length))
		return -EFAULT;
	if (length && text[length - 1] == '\n')
		length--;
	text[length] = '\0';
	preempt_disable();
	if (ht_filter_match(current))
		ht_write_text(HT_ID_marker, &pid, sizeof(pid), text);
	preempt_enable();
	return bytes;
}

static const struct file_operations marker_operations = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.write = marker_write,
};

/* Root's, as tracefs is; an administrator may open it to others. */
static struct miscdevice marker = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "hypertrace",
	.fops = &marker_operations,
	.mode = 0200,
};

int ht_marker_init(void)
{
	int err = misc_register(&marker);

	if (err)
		pr_err("cannot make /dev/hypertrace (%d)\n", err);
	return err;
}

void ht_marker_exit(void)
{
	misc_deregister(&marker);
}
