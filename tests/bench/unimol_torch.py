"""Uni-Mol's molecule encoder in PyTorch as its users run it: padded batches, pre-LN layers, and a pair
bias that flows through them. Parameters have the names of the weight files."""

import math

import torch
from torch import nn
from torch.nn import functional as F

PAIR_WIDTH = 128


class GaussianKernel(nn.Module):
    def __init__(self, vocabulary):
        super().__init__()
        self.means, self.stds = nn.Embedding(1, PAIR_WIDTH), nn.Embedding(1, PAIR_WIDTH)
        self.mul, self.bias = nn.Embedding(vocabulary**2, 1), nn.Embedding(vocabulary**2, 1)

    def forward(self, distance, edge_type):
        u = self.mul(edge_type) * distance.unsqueeze(-1) + self.bias(edge_type)
        mean, width = self.means.weight.view(-1), self.stds.weight.view(-1).abs() + 1e-5
        return torch.exp(-0.5 * ((u - mean) / width) ** 2) / (math.sqrt(2 * 3.14159) * width)


class PairProjection(nn.Module):
    def __init__(self, heads):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(PAIR_WIDTH, PAIR_WIDTH), nn.Linear(PAIR_WIDTH, heads)

    def forward(self, features):
        return self.linear2(F.gelu(self.linear1(features)))


class Attention(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads, self.size, self.dropout = heads, width // heads, dropout
        self.in_proj, self.out_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def split(self, x):
        batch, tokens, _ = x.shape
        x = x.reshape(batch, tokens, self.heads, self.size).transpose(1, 2)
        return x.reshape(batch * self.heads, tokens, self.size)

    def join(self, x, batch, tokens):
        x = x.view(batch, self.heads, tokens, self.size).transpose(1, 2)
        return x.reshape(batch, tokens, self.heads * self.size)

    def forward(self, x, bias):
        q, k, v = (self.split(part) for part in self.in_proj(x).chunk(3, dim=-1))
        logits = torch.bmm(q * self.size**-0.5, k.transpose(1, 2)) + bias
        weights = F.dropout(torch.softmax(logits, dim=-1), self.dropout, self.training)
        return self.out_proj(self.join(torch.bmm(weights, v), x.shape[0], x.shape[1])), logits


class Layer(nn.Module):
    def __init__(self, width, ffn, heads, dropout):
        super().__init__()
        self.self_attn_layer_norm, self.final_layer_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.self_attn = Attention(width, heads, dropout)
        self.fc1, self.fc2 = nn.Linear(width, ffn), nn.Linear(ffn, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, bias):
        branch, bias = self.self_attn(self.self_attn_layer_norm(x), bias)
        x = x + self.dropout(branch)
        x = x + self.dropout(self.fc2(F.gelu(self.fc1(self.final_layer_norm(x)))))
        return x, bias


class Encoder(nn.Module):
    def __init__(self, layers, width, ffn, heads, dropout):
        super().__init__()
        self.emb_layer_norm, self.final_layer_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(Layer(width, ffn, heads, dropout) for _ in range(layers))

    def forward(self, x, bias, padding):
        x = self.dropout(self.emb_layer_norm(x)) * (~padding).unsqueeze(-1)
        for layer in self.layers:
            x, bias = layer(x, bias)
        return self.final_layer_norm(x)


class UniMol(nn.Module):
    def __init__(self, layers, width, ffn, heads, vocabulary, dropout=0.1, **_):
        super().__init__()
        self.embed_tokens = nn.Embedding(vocabulary, width)
        self.encoder = Encoder(layers, width, ffn, heads, dropout)
        self.gbf, self.gbf_proj = GaussianKernel(vocabulary), PairProjection(heads)
        self.classification_head = nn.Linear(width, 1)

    def forward(self, tokens, padding, distance, edge_type):
        """-> CLS [molecules, width]"""
        bias = self.gbf_proj(self.gbf(distance, edge_type)).permute(0, 3, 1, 2).contiguous()
        bias = bias.masked_fill(padding[:, None, None, :], -math.inf).flatten(0, 1)
        return self.encoder(self.embed_tokens(tokens), bias, padding)[:, 0]
